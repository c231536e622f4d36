import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { consumer, diagnose, versionOf, type Compiler } from './consumer.js'

/** A program in CommonJS, as one of the time before `exports`. */
const classic = `
import { createApp, memoryLog, topic } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
const numbers = topic('numbers', z.object({ n: z.number() }))
export const flow = numbers.to(topic('others', numbers.codec))
export const app = createApp({ id: 'x', flows: [flow], log: memoryLog() })
export const seen: { n: number } | null | undefined = testDriver({ flows: [flow] }).output(numbers)[0]?.value
`
const esm = ['usage.ts', 'inference.ts']
const node16 = { module: 'Node16', moduleResolution: 'node16' }
const bundler = { module: 'ESNext', moduleResolution: 'bundler' }
/** Gone in TypeScript 7. The declarations of zod need esModuleInterop. */
const node10 = { module: 'CommonJS', moduleResolution: 'node10', esModuleInterop: true }

describe('the declarations of the package', () => {
  let folder: string

  beforeAll(() => {
    folder = consumer('consumer')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(join(folder, 'classic.cts'), classic)
    writeFileSync(join(folder, 'classic.ts'), classic)
    for (const file of esm) copyFileSync(join('test', 'types', file), join(folder, file))
  }, 300_000)

  it('are tried with the versions that the README names', () => {
    expect(versionOf('least')).toMatch(/^5\.4\./)
    expect(versionOf('newest')).toMatch(/^7\./)
  })

  it.each<[Compiler, string, readonly string[], Readonly<Record<string, unknown>>]>([
    ['least', 'node16', [...esm, 'classic.cts'], node16],
    ['least', 'bundler, zod 4.0', esm, { ...bundler, paths: { zod: ['../../node_modules/zod-4.0'] } }],
    ['least', 'node10', ['classic.ts'], node10],
    ['newest', 'node16', [...esm, 'classic.cts'], node16],
    ['newest', 'bundler, exactOptionalPropertyTypes', esm, { ...bundler, exactOptionalPropertyTypes: true }],
  ])(
    'compile with the %s TypeScript and %s',
    (compiler, _resolution, files, options) => {
      expect(diagnose(compiler, folder, files, options)).toBe('')
    },
    300_000,
  )
})
