import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fleet } from './fleet.js'

describe('a process that is being restarted', () => {
  let dir: string
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))))
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('ends what it has begun also when all are stopped meanwhile', async () => {
    const file = join(dir, 'program.cjs')
    // As an app does it: the first signal ends it in order, the next one at once.
    writeFileSync(
      file,
      `let ends = false
      process.on('SIGTERM', () => {
        if (ends) process.exit(143)
        ends = true
        process.send({ millrace: { url: 'http://it.is/ending' } })
        setTimeout(() => (require('node:fs').writeFileSync(${JSON.stringify(join(dir, 'ended'))}, ''), process.exit()), 500)
      })
      process.send({ millrace: { running: true } })
      process.on('message', () => undefined)`,
    )
    const fleet: Fleet = new Fleet({
      file,
      args: [],
      processes: 1,
      name: 'here',
      crashes: 0,
      stopMs: 20_000,
      prefix: true,
      listen: false,
      note: () => undefined,
      onReport: ({ report }) => void (report.url === undefined ? fleet.restart() : fleet.stop()),
    })
    expect(await fleet.run()).toBeUndefined()
    expect(readdirSync(dir)).toContain('ended')
  })
})
