import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { counter, CounterApp } from '../../../test/counter-app.js'
import { parsed } from '../../../test/prometheus.js'
import { Crashes, quickMs } from './crashes.js'
import { copyLines } from './lines.js'
import { mergedMetrics } from './merged-metrics.js'

describe('a process that ends', () => {
  it('is started again at once when it has lived, later and later when it has not, and no more after the limit', () => {
    const crashes = new Crashes(4)
    expect(crashes.ended(quickMs)).toBe(0)
    expect([1, 2, 3].map(() => crashes.ended(100))).toEqual([1_000, 2_000, 4_000])
    expect(crashes.ended(100)).toBeUndefined()
  })

  it('has all its tries again when it has lived', () => {
    const crashes = new Crashes(2)
    expect([crashes.ended(0), crashes.ended(0), crashes.ended(quickMs), crashes.ended(0)]).toEqual([
      500, 1_000, 0, 1_000,
    ])
    expect(crashes.ended(0)).toBeUndefined()
  })

  it('waits half a minute at most', () => {
    const crashes = new Crashes(100)
    const waits = Array.from({ length: 50 }, () => crashes.ended(0))
    expect(Math.max(...(waits as number[]))).toBe(30_000)
  })
})

describe('lines of several processes', () => {
  it('are whole, each with its prefix, whatever pieces they come in', async () => {
    const [from, to] = [new PassThrough(), new PassThrough()]
    copyLines(from, to, '[1] ')
    for (const piece of ['a', 'b\nc', '\n\nü'.slice(0, 2), 'ü end']) from.write(piece)
    from.end()
    from.on('end', () => to.end())
    let said = ''
    for await (const chunk of to) said += String(chunk)
    expect(said).toBe('[1] ab\n[1] c\n[1] \n[1] ü end\n')
  })
})

describe('processes whose output is not read any more', () => {
  it('end in their own time, and that is no good end', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-unread-'))
    const program = join(dir, 'program.cjs')
    writeFileSync(
      program,
      `process.on('SIGTERM', () => {
        require('node:fs').writeFileSync(${JSON.stringify(dir)} + '/' + process.pid, '')
        process.exit()
      })
      setInterval(() => console.log('x'.repeat(10_000)), 1)`,
    )
    const processes = join(__dirname, '../../../test/processes')
    const fleet = spawn(process.execPath, [join(processes, 'run-ts.cjs'), join(processes, 'fleet.ts'), program])
    const said = new Set<string>()
    while (said.size < 2) {
      const [data] = (await once(fleet.stdout, 'data')) as [Buffer]
      for (const [line] of data.toString().matchAll(/\[[01]\]/g)) said.add(line)
    }
    fleet.stdout.destroy()
    const [code] = (await once(fleet, 'exit')) as [number | null]
    const ended = readdirSync(dir)
    rmSync(dir, { recursive: true })
    expect({ code, ended: ended.length }).toEqual({ code: 1, ended: 3 })
  }, 30_000)
})

describe('metrics of several processes', () => {
  it('are one text, with a label that says of which', () => {
    const text = (n: number): string =>
      `# HELP a_total What {it} is.\n# TYPE a_total counter\na_total ${n}\n# HELP b B.\n# TYPE b gauge\nb{t="x}\\"y"} ${n}\nb{t="z"} 2\n`
    const all = [
      { process: '0', text: text(1) },
      { process: '1', text: `${text(2)}# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_sum 4\nh_count 3\n` },
    ]
    expect(mergedMetrics(all)).toBe(
      [
        '# HELP a_total What {it} is.',
        '# TYPE a_total counter',
        'a_total{process="0"} 1',
        'a_total{process="1"} 2',
        '# HELP b B.',
        '# TYPE b gauge',
        'b{t="x}\\"y",process="0"} 1',
        'b{t="z",process="0"} 2',
        'b{t="x}\\"y",process="1"} 2',
        'b{t="z",process="1"} 2',
        '# TYPE h histogram',
        'h_bucket{le="+Inf",process="1"} 3',
        'h_sum{process="1"} 4',
        'h_count{process="1"} 3',
        '',
      ].join('\n'),
    )
  })

  it('are as Prometheus wants them, of all that an app tells', async () => {
    const counting = new CounterApp()
    const app = await counting.start({ objects: [counter] })
    await counting.feed(app, 0, 2)
    const text = await app.metrics()
    await counting.end()
    const [one, merged] = [parsed(text), parsed(mergedMetrics(['0', '1'].map((process) => ({ process, text }))))]
    expect([...merged.keys()]).toEqual([...one.keys()])
    for (const [name, { series }] of one) expect(merged.get(name)?.series.size).toBe(2 * series.size)
  })

  it('are nothing for nothing, and leave out what is no sample', () => {
    expect(mergedMetrics([])).toBe('\n')
    expect(mergedMetrics([{ process: '0', text: '<html>\n# comment\n' }])).toBe('\n')
  })
})
