import type { SinkBatch } from 'millrace/connect'
import { systemClock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import {
  connector,
  newRows,
  numbers,
  rows,
  runner,
  sendRows,
  until,
  writingTo,
  type Row,
} from '../../../test/sink-lab.js'

let log: MemoryLog
beforeEach(() => {
  log = memoryLog()
})
afterEach(() => log[Symbol.asyncDispose]())

const sendMany = (from: number, to: number): Promise<unknown> =>
  log.send(
    rows,
    Array.from({ length: to - from }, (_, i) => ({ n: from + i })),
    { key: ({ n }) => `k${n}` },
  )

it('an offset of a topic that is not there any more is not taken for one of that which was made anew', async () => {
  await newRows(log, 2)
  await sendMany(0, 100)
  const seen: SinkBatch<Row>[] = []
  let release: (() => void) | undefined
  const to = connector(() => ({
    write: async (batch) => {
      if (batch.partition === 1 && release === undefined) await new Promise<void>((resolve) => (release = resolve))
      seen.push(batch)
    },
  }))
  const sink = runner(log, to)
  await sink.start()
  await until(() => release !== undefined && seen.some(({ partition }) => partition === 0))
  await log.deleteTopic(rows.name)
  await newRows(log, 2)
  await sendMany(1_000, 1_300)
  // One partition goes on with the new topic, while the other still writes of the old one.
  await until(() => seen.some(({ partition, records }) => partition === 0 && records[0]!.value!.n >= 1_000))
  release?.()
  await until(() => seen.some(({ partition }) => partition === 1))
  await until(() => new Set(numbers(seen)).size === 400)
  await sink.close()
  expect(numbers(seen).filter((n) => n! >= 1_000)).toHaveLength(300)
})

it('a topic that was made anew with fewer partitions is written with those', async () => {
  await newRows(log, 4)
  await sendMany(0, 40)
  const seen: SinkBatch<Row>[] = []
  const every: typeof systemClock.every = (ms, act) => systemClock.every(Math.min(ms, 20), act)
  const sink = runner(log, writingTo(seen), {}, { clock: { ...systemClock, every } })
  await sink.start()
  await until(() => sink.stats.records === 40)
  await log.deleteTopic(rows.name)
  await newRows(log, 2)
  await sendRows(log, 100, 150)
  await until(() => sink.stats.records === 90 && sink.health.state === 'running')
  expect(sink.health.partitions).toEqual(['0', '1'])
  await sink.close()
})
