import { sink as sinkOf, SinkRefused, type SinkBatch } from 'millrace/connect'
import { z } from 'zod'
import { text } from '../../codec/codec.js'
import { systemClock } from '../../core/clock.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { SinkRunner } from './sink-runner.js'
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

it('says that a target may keep an offset of a topic that is not there any more', async () => {
  let kept = 0
  const to = connector(() => ({ offset: kept, write: ({ nextOffset }) => void (kept = nextOffset) }))
  const heards: (readonly string[])[] = []
  for (const round of [0, 1, 2]) {
    if (round === 2) await log.deleteTopic(rows.name)
    if (round !== 1) await newRows(log, 1)
    await sendRows(log, 0, 10 + round * 20)
    const { logger, heard } = hearing()
    const sink = runner(log, to, {}, { logger })
    await sink.start()
    await until(async () => (await committed(log, 1))[0] === [10, 40, 50][round])
    await sink.close()
    heards.push(heard)
  }
  expect(heards).toEqual([[], [], [expect.stringMatching(/keeps the offset 40, .* what is there before 40/)]])
})

it('makes the dead-letter topic again when it was deleted', async () => {
  await newRows(log, 1)
  const to = connector(() => ({
    write: ({ records }) => Promise.reject(new SinkRefused(new Map(records.map(({ offset }) => [offset, 'no'])))),
  }))
  const sink = runner(log, to)
  await sink.start()
  await log.deleteTopic('shop-dlq')
  await sendRows(log, 0, 4)
  await until(() => sink.stats.deadLetters === 4)
  await sink.close()
  expect(await letters(log)).toHaveLength(4)
})

it('what a target refuses of the dead letters of its app is no new dead letter', async () => {
  await newRows(log, 1)
  const dead = topic('shop-dlq', z.object({ n: z.number() }))
  await log.admin.create([{ name: dead.name, partitions: 1, replicationFactor: -1, configs: {} }])
  await log.send(dead, [{ n: 1 }, { n: 2 }, { n: 3 }])
  await log.send(topic(dead.name, text()), ['no row'])
  const written: number[] = []
  const to = connector(() => ({
    write({ records }) {
      const bad = records.filter(({ value }) => value!.n !== 2)
      if (bad.length > 0) throw new SinkRefused(new Map(bad.map(({ offset }) => [offset, 'no'])))
      written.push(...records.map(({ value }) => value!.n))
    },
  }))
  const sink = new SinkRunner(runnerOptions(log), sinkOf('out', { from: dead, to, backoff: 1 }))
  await sink.start()
  await until(() => sink.stats.lag?.get(0) === 0 && written.length > 0)
  await sink.close()
  expect(written).toEqual([2])
  expect(sink.stats).toMatchObject({ skipped: 3, deadLetters: 0, records: 1 })
  const at = [{ topic: dead.name, partition: 0 }]
  expect((await log.admin.endOffsets(at, 'all')).get(dead.name)?.get(0)).toBe(4)
})

it('knows how far it is behind while nothing is fetched', async () => {
  await newRows(log, 1)
  await sendRows(log, 0, 10)
  const every: typeof systemClock.every = (ms, act) => systemClock.every(Math.min(ms, 5), act)
  const to = connector(({ signal }) => ({
    write: () => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  }))
  const sink = runner(log, to, {}, { sessionTimeoutMs: 20, clock: { ...systemClock, every } })
  await sink.start()
  await until(() => sink.stats.lag?.get(0) === 10)
  for (let i = 1; i < 8; i++) await sendRows(log, 0, 10_000)
  await until(() => sink.stats.lag?.get(0) === 70_010)
  await sink.close()
  expect(sink.stats.records).toBe(10)
})

it('says that a transaction is in its way when that lasts', async () => {
  await newRows(log, 2)
  let ms = 0
  let looks = 0
  const clock = {
    ...systemClock,
    elapsed: () => systemClock.elapsed() + ms,
    every: (each: number, act: () => void) =>
      systemClock.every(Math.min(each, 5), () => {
        act()
        looks++
      }),
  }
  const at = { topic: rows.name, partition: 0 }
  const seen: SinkBatch<Row>[] = []
  const sink = runner(log, writingTo(seen), {}, { clock })
  await sink.start()
  const builder = batchBuilder()
  builder.add('k', JSON.stringify({ n: 7 }), 1, undefined)
  const channel = await log.transactions({ id: 'stranger', timeoutMs: 60_000 })
  await channel.begin([at], undefined)
  await channel.append(at, builder.finish())
  await sendRows(log, 0, 20)
  await until(() => seen.some(({ partition }) => partition === 1))
  const before = looks
  await until(() => looks > before + 10)
  expect(sink.health).toMatchObject({ state: 'running' })
  ms = 31_000
  await until(() => sink.health.state === 'retrying')
  expect(sink.health.reason).toMatch(/^partition 0: a transaction has been open at offset 0 for 3\d s/)
  await channel.commit()
  await until(() => sink.stats.records === 21)
  await until(() => sink.health.state === 'running')
  await sink.close()
})
