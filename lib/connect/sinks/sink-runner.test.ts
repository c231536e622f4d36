import type { SinkBatch } from 'millrace/connect'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import {
  committed,
  newRows,
  numbers,
  runner,
  rows,
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

it('writes all records of a topic, in order per partition, and commits what it has written', async () => {
  await newRows(log, 3)
  await sendRows(log, 0, 2_000)
  const written: SinkBatch<Row>[] = []
  const sink = runner(log, writingTo(written), { batchRecords: 50 })
  await sink.start()
  await until(() => sink.stats.records === 2_000)
  await sink.close()
  expect([...numbers(written)].sort((a, b) => a! - b!)).toEqual(Array.from({ length: 2_000 }, (_, n) => n))
  for (const { records, partition, topic, nextOffset } of written) {
    expect([topic, records.length <= 50]).toEqual([rows.name, true])
    expect(nextOffset).toBeGreaterThan(records.at(-1)!.offset)
    const before = written.filter((batch) => batch.partition === partition)
    const offsets = before.flatMap((batch) => batch.records.map(({ offset }) => offset))
    expect(offsets).toEqual(offsets.map((_, i) => i))
  }
  expect(written[0]!.records[0]).toMatchObject({ key: expect.stringMatching(/^k\d$/), timestamp: expect.any(Number) })
  const ends = (
    await log.admin.endOffsets(
      [0, 1, 2].map((partition) => ({ topic: rows.name, partition })),
      'all',
    )
  ).get('rows')!
  expect(await committed(log, 3)).toEqual([ends.get(0), ends.get(1), ends.get(2)])
})

it('goes on where it was', async () => {
  await newRows(log, 2)
  const written: SinkBatch<Row>[] = []
  for (const [from, to] of [
    [0, 100],
    [100, 250],
  ] as const) {
    await sendRows(log, from, to)
    const sink = runner(log, writingTo(written))
    await sink.start()
    await until(() => sink.stats.records === to - from)
    await sink.close()
  }
  expect([...numbers(written)].sort((a, b) => a! - b!)).toEqual(Array.from({ length: 250 }, (_, n) => n))
})
