import { SinkRefused, sink as sinkOf, type SinkBatch } from 'millrace/connect'
import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { SinkRunner } from './sink-runner.js'
import { faultyLog } from '../../../test/faulty-log.js'
import { MillraceError } from '../../core/errors.js'
import {
  committed,
  connector,
  hearing,
  letters,
  newRows,
  numbers,
  rows,
  runner,
  runnerOptions,
  sendRows,
  until,
  writingTo,
  type Row,
} from '../../../test/sink-lab.js'

let log: MemoryLog
beforeEach(async () => {
  log = memoryLog()
})
afterEach(() => log[Symbol.asyncDispose]())

const all = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)
const has = ({ records }: SinkBatch<Row>, n: number): boolean => records.some(({ value }) => value?.n === n)

it('writes a batch again without the records that the target refuses, which are dead letters', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 100)
  const written: SinkBatch<Row>[] = []
  const to = connector(() => ({
    write(batch) {
      const bad = batch.records.filter(({ value }) => value!.n % 10 === 3)
      if (bad.length > 0) throw new SinkRefused(new Map(bad.map(({ offset, value }) => [offset, `no ${value!.n}`])))
      written.push(batch)
    },
  }))
  const sink = runner(log, to, { batchRecords: 40 }, { version: '1.2.3' })
  await sink.start()
  await until(async () => (await committed(log, 1))[0] === 100)
  await sink.close()
  expect(numbers(written)).toEqual(all(100).filter((n) => n % 10 !== 3))
  expect(sink.stats).toMatchObject({ records: 90, deadLetters: 10, retries: 0 })
  const [first, ...others] = await letters(log)
  expect(others).toHaveLength(9)
  expect(first).toMatchObject({
    app: 'shop',
    'app.version': '1.2.3',
    sink: 'out',
    'source.topic': 'rows',
    'source.partition': '0',
    'source.offset': '3',
    'error.code': 'SINK_REFUSED',
    'error.message': "rows[0]@3: sink 'out': the target refuses it (no 3).",
  })
})

it('goes on behind a batch of which all is refused', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 5)
  const to = connector(() => ({
    write: ({ records }) => Promise.reject(new SinkRefused(new Map(records.map(({ offset }) => [offset, 'no'])))),
  }))
  const sink = runner(log, to)
  await sink.start()
  await until(async () => (await committed(log, 1))[0] === 5)
  await sink.close()
  expect(await letters(log)).toHaveLength(5)
})

it('finds the record that fails without being refused, while others are taken, and keeps their order', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 30)
  const written: SinkBatch<Row>[] = []
  const to = connector(() => ({
    write(batch) {
      if (has(batch, 7) || has(batch, 8) || has(batch, 29)) throw new Error('constraint')
      written.push(batch)
    },
  }))
  const sink = runner(log, to, { attempts: 3 })
  await sink.start()
  await until(() => sink.stats.deadLetters === 2)
  // Nothing was taken behind the last one: whether it is the record's fault nobody knows.
  await systemClock.sleep(50)
  expect(sink.stats.deadLetters).toBe(2)
  expect(sink.health).toMatchObject({ state: 'retrying', reason: expect.stringMatching(/constraint/) })
  await sendRows(log, 30, 31)
  await until(() => sink.stats.deadLetters === 3)
  await sink.close()
  expect(numbers(written)).toEqual(all(31).filter((n) => ![7, 8, 29].includes(n)))
  expect((await letters(log)).map((letter) => letter['source.offset'])).toEqual(['7', '8', '29'])
  expect(await committed(log, 1)).toEqual([31])
})

it('gives no record up while the target is away', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 10)
  const written: SinkBatch<Row>[] = []
  let isAway = true
  const to = connector(() => ({
    write(batch) {
      if (isAway) throw new Error('ECONNREFUSED')
      written.push(batch)
    },
  }))
  const sink = runner(log, to, { attempts: 2 })
  await sink.start()
  await until(() => sink.stats.retries > 30)
  expect(sink.health).toMatchObject({ state: 'retrying', reason: expect.stringMatching(/ECONNREFUSED/) })
  isAway = false
  await until(() => sink.stats.records === 10)
  await sink.close()
  expect(numbers(written)).toEqual(all(10))
  expect(sink.stats.deadLetters).toBe(0)
})

it('holds up no other partition when one of them cannot be written', async () => {
  await newRows(log, 4)
  await sendRows(log, 0, 400)
  const written: SinkBatch<Row>[] = []
  const to = connector(({ partition }) => ({
    write: (batch) => (partition === 2 ? new Promise(() => undefined) : void written.push(batch)),
  }))
  const sink = runner(log, to, {}, { sessionTimeoutMs: 100 })
  const ends = (
    await log.admin.endOffsets(
      [0, 1, 2, 3].map((partition) => ({ topic: 'rows', partition })),
      'all',
    )
  ).get('rows')!
  await sink.start()
  await until(() => sink.stats.records === 400 - ends.get(2)!)
  await sendRows(log, 400, 800)
  await until(() => sink.stats.records >= 500)
  expect(sink.stats.lag!.get(2)).toBeGreaterThan(0)
  await sink.close()
  expect(written.map(({ partition }) => partition)).not.toContain(2)
})

it.each(['dead-letter', 'skip'] as const)(
  'treats values that cannot be read as the topic says: %s',
  async (onInvalid) => {
    const { topic } = await import('../../model/stream.js')
    const { z } = await import('zod')
    const { text } = await import('../../codec/codec.js')
    await newRows(log, 1)
    await sendRows(log, 0, 2)
    await log.send(topic('rows', text()), ['{"n":"two"}', 'no json'])
    await sendRows(log, 2, 4)
    const written: SinkBatch<Row>[] = []
    const from = topic('rows', z.object({ n: z.number() }), { onInvalid })
    const sink = runner(log, writingTo(written), { from })
    await sink.start()
    await until(async () => (await committed(log, 1))[0] === 6)
    await sink.close()
    expect(numbers(written)).toEqual([0, 1, 2, 3])
    const isLetter = onInvalid === 'dead-letter'
    expect(sink.stats).toMatchObject({ records: 4, deadLetters: isLetter ? 2 : 0, skipped: isLetter ? 0 : 2 })
    const found = (await letters(log)).map((letter) => [letter['error.code'], letter['source.offset'], letter['sink']])
    expect(found).toEqual(
      isLetter
        ? [
            ['VALUE_INVALID', '2', 'out'],
            ['VALUE_INVALID', '3', 'out'],
          ]
        : [],
    )
  },
)

it('stops the app for a value that cannot be read where the topic says so, and passes nothing over', async () => {
  const { topic } = await import('../../model/stream.js')
  const { z } = await import('zod')
  const { text } = await import('../../codec/codec.js')
  await newRows(log, 1)
  await log.send(topic('rows', text()), ['no json'])
  const failures: unknown[] = []
  const from = topic('rows', z.object({ n: z.number() }), { onInvalid: 'stop' })
  const sink = runner(log, writingTo([]), { from }, { onFailure: (error) => failures.push(error) })
  await sink.start()
  await until(() => failures.length > 0)
  await sink.close()
  expect(failures).toMatchObject([{ code: 'VALUE_INVALID', topic: 'rows', partition: 0, offset: 0 }])
  expect(await committed(log, 1)).toEqual([undefined])
})

it('gives tombstones as null, with their keys', async () => {
  await newRows(log, 1)
  await log.send(rows, [null])
  const written: SinkBatch<Row>[] = []
  const sink = runner(log, writingTo(written))
  await sink.start()
  await until(() => sink.stats.records === 1)
  await sink.close()
  expect(written[0]!.records).toMatchObject([{ key: null, value: null, bytes: null, offset: 0 }])
})

it('moves no offset before the dead letter of a record is acknowledged', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 1)
  let fails = 5
  const offsets: unknown[] = []
  const faulty = faultyLog(log, (step) => {
    if (step !== 'append' || fails === 0) return undefined
    fails--
    return { error: new MillraceError('OUTCOME_UNKNOWN', 'append'), done: false }
  })
  const to = connector(() => ({ write: () => Promise.reject(new SinkRefused(new Map([[0, 'no']]))) }))
  const { logger, heard } = hearing()
  const sink = runner(faulty, to, {}, { logger })
  await sink.start()
  await until(async () => {
    const [offset] = await committed(log, 1)
    if (offset !== undefined) offsets.push([offset, (await letters(log)).length])
    return offset !== undefined
  })
  await sink.close()
  expect(offsets).toEqual([[1, 1]])
  expect(heard[0]).toMatch(/append/)
})

it('goes on when its offsets could not be committed for a while', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 10)
  let fails = 3
  const faulty = faultyLog(log, (step) =>
    step === 'commit' && fails-- > 0
      ? { error: new MillraceError('OUTCOME_UNKNOWN', 'commit'), done: false }
      : undefined,
  )
  const written: SinkBatch<Row>[] = []
  const sink = runner(faulty, writingTo(written))
  await sink.start()
  await until(async () => (await committed(log, 1))[0] === 10)
  await sink.close()
  expect(numbers(written)).toEqual(all(10))
})

it('reads no further while records are written one by one and none is taken', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 20_000)
  const read = new Set<number>()
  const counted = topic(
    'rows',
    z.object({ n: z.number() }).transform((row) => {
      read.add(row.n)
      return row
    }),
  )
  let writes = 0
  const to = connector(() => ({
    write: () => {
      writes++
      throw new Error('away')
    },
  }))
  const options = { from: counted, to, backoff: 1, maxBackoff: 1, attempts: 1, batchRecords: 100 }
  const sink = new SinkRunner(
    runnerOptions(log, { clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(0, signal) } }),
    sinkOf('out', options),
  )
  await sink.start()
  await until(() => writes > 15_000)
  await sink.close()
  expect(read.size).toBeLessThanOrEqual(1_100)
})
