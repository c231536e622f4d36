import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packed } from './docs/packed.js'
import { Reader } from './docs/reader.js'
import { stepsOf } from './docs/steps.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('docs/start.md', () => {
  it('leads from an empty folder to two processes, one of them killed, with the output that it shows', async () => {
    const steps = stepsOf('docs/start.md')
    const folder = mkdtempSync(join(tmpdir(), 'millrace-start-'))
    const tarball = packed(mkdtempSync(join(tmpdir(), 'millrace-packed-')))
    const broker = await OwnBroker.start()
    const reader = new Reader({ folder, tarball, env: { ...process.env, BROKERS: broker.address } })
    try {
      for (const step of steps) await reader.do(step)
      expect(await reader.ended('one')).toBe(0)
      expect(await reader.ended('two')).toBe('SIGKILL')
      expect(reader.skipped).toHaveLength(1)
      expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['file', 'run', 'terminal']))
    } finally {
      reader.close()
      await broker.remove()
      for (const made of [folder, dirname(tarball)]) rmSync(made, { recursive: true, force: true })
    }
  }, 300_000)
})
