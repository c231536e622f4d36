import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ChildReport } from '../../app/life/parent.js'
import { Child } from './child.js'

describe('a process of several', () => {
  let dir: string
  let out: PassThrough
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-child-'))
    out = new PassThrough()
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  function run(program: string): {
    readonly child: Child
    readonly reports: ChildReport['millrace'][]
    said: () => string
  } {
    const file = join(dir, 'program.cjs')
    writeFileSync(file, program)
    const reports: ChildReport['millrace'][] = []
    const onReport = ({ report }: Child): void => void reports.push(report)
    const child = new Child({ file, args: [], number: 0, instance: 'a-0', listen: false, prefix: true, onReport, out })
    return { child, reports, said: () => String(out.read() ?? '') }
  }

  it('has ended although something that it has started has its output still', async () => {
    const { child, said } = run(`
      const { spawn } = require('node:child_process')
      const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: ['ignore', 'inherit', 'inherit'] })
      process.stdout.write(other.pid + '\\n', () => process.exit(3))`)
    const { code, how } = await child.ended
    const [, pid] = /\[0\] (\d+)/.exec(said()) ?? []
    process.kill(Number(pid))
    expect({ code, how }).toEqual({ code: 3, how: 'exit code 3' })
  })

  it('may say anything to its parent: what is no report is none', async () => {
    const sent = [7, 'text', [], {}, { millrace: 1 }, { millrace: { url: 5, host: {}, port: 1e9, running: 'yes' } }]
    const good = { millrace: { url: 'http://127.0.0.1:1', port: 8080, running: true } }
    const { child, reports } = run(`
      for (const message of ${JSON.stringify([...sent, good])}) process.send(message)
      process.disconnect()`)
    await child.ended
    expect(reports).toEqual([{}, {}, good.millrace])
  })
})
