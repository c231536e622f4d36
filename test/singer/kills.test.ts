import * as fc from 'fast-check'
import { z } from 'zod'
import { sink, source } from 'millrace/connect'
import { singerSink, singerSource } from 'millrace/singer'
import { SinkRunner } from '../../lib/connect/sinks/sink-runner.js'
import { SourceRunner } from '../../lib/connect/sources/source-runner.js'
import { memoryLog } from '../../lib/memory/memory-log.js'
import { topic } from '../../lib/model/stream.js'
import { readAll } from '../reading.js'
import { runs } from '../runs.js'
import { runnerOptions } from '../source-world.js'
import { Programs, textOf, until } from './program.js'

const programs = new Programs()
afterAll(() => programs.remove())
let count = 0

/** Where a run of a program ends: behind so many messages, with a part of the next. */
const deaths = fc.array(fc.record({ messages: fc.nat({ max: 60 }), part: fc.nat({ max: 30 }) }), { maxLength: 5 })
const numbers = topic('numbers', z.object({ n: z.number() }))
const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)

/** `write(message)`, until the program dies of the death of this run. */
const dying = (all: readonly unknown[], runsFile: string): string => `
  const run = fs.existsSync(${JSON.stringify(runsFile)}) ? fs.statSync(${JSON.stringify(runsFile)}).size : 0
  fs.appendFileSync(${JSON.stringify(runsFile)}, 'x')
  const death = ${JSON.stringify(all)}[run]
  let written = 0
  const write = (message) => {
    const text = JSON.stringify(message) + '\\n'
    if (death !== undefined && written++ === death.messages) {
      raw(text.slice(0, death.part))
      process.kill(process.pid, 'SIGKILL')
    }
    raw(text)
  }`

it('records of a program with STATE come once and in order, wherever it is killed', async () => {
  await fc.assert(
    fc.asyncProperty(
      deaths,
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
      async (all, every, restarts) => {
        const program = programs.write(
          `tap-${count++}`,
          `
        ${dying(all, programs.path(`runs-${count}`))}
        for (let n = given('--state') ?? 0; n < 50; n++) {
          write({ type: 'RECORD', stream: 's', record: { n } })
          if (n % ${every} === 0) write({ type: 'STATE', value: n + 1 })
        }`,
        )
        const log = memoryLog({ partitions: 1 })
        const runner = (): SourceRunner => {
          const from = singerSource({ ...program, once: true })
          return new SourceRunner(runnerOptions(log), source('s', { into: numbers, from, backoff: 1, maxBackoff: 1 }))
        }
        for (const [at, records] of [...restarts, 50].entries()) {
          const one = runner()
          await one.start()
          await waitFor(async () => (await readAll(log, numbers)).length >= (at === restarts.length ? 50 : records))
          await one.close()
        }
        expect((await readAll(log, numbers)).map(({ value }) => value?.n)).toEqual(upTo(50))
      },
    ),
    { numRuns: runs(4, 40) },
  )
})

it('records reach a program at least once and in order, wherever it is killed', async () => {
  await fc.assert(
    fc.asyncProperty(deaths, fc.integer({ min: 1, max: 20 }), async (all, batchRecords) => {
      const file = programs.path(`file-${count}`)
      // What it dies of is before and behind the writing, and within the acknowledgement.
      const program = programs.write(
        `target-${count++}`,
        `
        ${dying(all, programs.path(`runs-${count}`))}
        let rest = '', rows = ''
        process.stdin.on('data', (chunk) => {
          const lines = (rest + chunk).split('\\n')
          rest = lines.pop()
          for (const { type, record, value } of lines.map((line) => JSON.parse(line))) {
            if (death !== undefined && type === 'RECORD' && written++ === death.messages) process.kill(process.pid, 'SIGKILL')
            if (type === 'RECORD') rows += record.n + '\\n'
            if (type !== 'STATE') continue
            fs.appendFileSync(${JSON.stringify(file)}, rows)
            rows = ''
            write(value)
          }
        })`,
      )
      const log = memoryLog({ partitions: 1 })
      await log.admin.create([{ name: numbers.name, partitions: 1, replicationFactor: -1, configs: {} }])
      await log.send(
        numbers,
        upTo(50).map((n) => ({ n })),
      )
      const to = singerSink<{ n: number }>({ ...program })
      const one = new SinkRunner(
        runnerOptions(log),
        sink('s', { from: numbers, to, batchRecords, backoff: 1, maxBackoff: 1 }),
      )
      await one.start()
      await waitFor(() => one.stats.records === 50)
      await one.close()
      const seen = (textOf(file) ?? '').split('\n').filter(Boolean).map(Number)
      expect([...new Set(seen)]).toEqual(upTo(50))
    }),
    { numRuns: runs(4, 40) },
  )
})

async function waitFor(holds: () => boolean | Promise<boolean>): Promise<void> {
  let is = false
  await until('all is there', () => {
    void Promise.resolve(holds()).then((now) => (is ||= now))
    return is
  })
}
