import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { stepsOf } from '../../integration/docs/steps.js'
import { pages, root } from './pages.js'
import { blocksOf, programOf } from './program.js'

const folder = join(root, 'temp', 'docs')
const withCode = pages.filter((page) => blocksOf(page).code.length > 0)
const nameOf = (path: string): string => path.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase()

/** Pages with code that is only a part of something, and how much of it. */
const fragments = { 'docs/bundling.md': 3, 'docs/sinks.md': 1 }

describe('the TypeScript of the documentation', () => {
  let said: readonly string[]

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const step of stepsOf('docs/start.md'))
      if (step.kind === 'file' && step.name === 'account.js') writeFileSync(join(folder, 'account.ts'), step.text)
    for (const page of withCode) writeFileSync(join(folder, `${nameOf(page.path)}.ts`), programOf(page))
    const unused = { noUnusedLocals: false, noUnusedParameters: false }
    const config = { extends: '../../tsconfig.json', compilerOptions: { noEmit: true, declaration: false, ...unused } }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, include: ['*.ts'] }))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
    said = stdout.split('\n').filter((line) => line !== '')
  }, 300_000)

  it.each(withCode)('compiles: $path', ({ path }) => {
    expect(said.filter((line) => basename(line.split('(')[0] ?? '') === `${nameOf(path)}.ts`)).toEqual([])
  })

  it('compiles, all of it', () => {
    expect(said).toEqual([])
  })

  it('is whole, but for what is marked', () => {
    const marked = pages.map((page) => [page.path, blocksOf(page).fragments] as const).filter(([, count]) => count > 0)
    expect(Object.fromEntries(marked)).toEqual(fragments)
  })
})
