import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { createApp } from '../../app/create-app.js'
import { bytes } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { latestTimeMs } from '../../core/record-checks.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject, type AnyStateObject, type StateObject } from '../../model/state-object.js'
import { topic, type Topic } from '../../model/stream.js'
import { hopping, session, tumbling, type LatePolicy } from '../../model/window.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

/** The driver's clock at its beginning. */
const start = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000

interface Click {
  readonly id: number
  readonly at: number
}
const click = z.object({ id: z.number(), at: z.number() })
const clicks = topic('clicks', click, { timestamp: ({ at }) => at })
const closed = topic('closed', z.object({ start: z.number(), ids: z.array(z.number()) }))
const letters = topic('test-dlq', click)

const state = z.object({ ids: z.array(z.number()) })
const init = (): { ids: number[] } => ({ ids: [] })
const merge = (a: { ids: number[] }, b: { ids: number[] }): { ids: number[] } => ({ ids: [...a.ids, ...b.ids] })

type WindowOf = NonNullable<Parameters<typeof stateObject>[1]['window']>
const windows = (late: LatePolicy = 'dead-letter'): readonly (readonly [string, WindowOf])[] => [
  ['tumbling', tumbling('1m', { late })],
  ['hopping', hopping('2m', { every: '1m', late })],
  ['session', session<{ ids: number[] }>('1m', { merge, late }) as WindowOf],
  ['local', tumbling('1d', { zone: 'Europe/Berlin', late })],
]

function kind(window: WindowOf, from: Topic<Click> = clicks): AnyStateObject {
  return stateObject('window', { state, init, window: window as never })
    .on(
      from,
      () => 'all',
      ({ ids }, { id }) => {
        ids.push(id)
      },
    )
    .onClose(({ ids }, turn) => {
      const { start } = turn.window!
      // By default it is the window's end, which a broker refuses where it is more than an hour ahead.
      turn.emit(closed, { start, ids }, { timestamp: start })
    })
}

const codes = (driver: TestDriver): string[] =>
  driver.output(letters).map(({ headers, value }) => {
    const code = Buffer.from(headers.get('millrace.error.code') ?? []).toString()
    return `${value?.id} ${code}`
  })
const idsClosed = (driver: TestDriver): number[] =>
  [...new Set(driver.output(closed).flatMap(({ value }) => value?.ids ?? []))].sort((a, b) => a - b)

describe.each(windows())('a record far ahead of the clock, %s windows', (_name, window) => {
  it('goes to the dead letters and makes nobody late', async () => {
    await using driver = testDriver({ failures: 'expect', objects: [kind(window)], partitions: 1 })
    await driver.send(clicks, { id: 1, at: start })
    for (const [id, at] of [start + hourMs + 1, Date.UTC(2100, 0), start * 1_000, latestTimeMs].entries())
      await driver.send(clicks, { id: 10 + id, at })
    await driver.send(clicks, { id: 2, at: start + 1 })
    expect(codes(driver)).toEqual([10, 11, 12, 13].map((id) => `${id} RECORD_AHEAD`))
    await driver.advance('3d')
    await driver.send(clicks, { id: 3, at: start + 72 * hourMs })
    expect(idsClosed(driver)).toEqual([1, 2])
    expect(codes(driver)).toHaveLength(4)
  })

  it('is taken when it is no more than an hour ahead, or once the clock has come near', async () => {
    await using driver = testDriver({ objects: [kind(window)], partitions: 1 })
    await driver.send(clicks, { id: 1, at: start + hourMs })
    await driver.advance('1d')
    await driver.send(clicks, { id: 2, at: start + 25 * hourMs })
    expect(codes(driver)).toEqual([])
  })

  it('is the only one of its commit that is refused, also when the process dies', async () => {
    await using driver = testDriver({ failures: 'expect', objects: [kind(window)], partitions: 2 })
    await driver.crash('before-end')
    const all = Array.from({ length: 20 }, (_, id) => ({ id, at: id % 5 === 4 ? Date.UTC(2200, 0) : start + id }))
    await driver.sendAll(clicks, all, { key: ({ id }) => String(id) })
    await driver.advance('3d')
    for (let i = 0; i < 10; i++) await driver.send(clicks, { id: 100, at: start + 72 * hourMs }, { key: String(i) })
    await driver.advance('6s')
    expect(idsClosed(driver)).toEqual(all.filter(({ at }) => at < start + 20).map(({ id }) => id))
    expect(codes(driver).sort()).toEqual(['14 RECORD_AHEAD', '19 RECORD_AHEAD', '4 RECORD_AHEAD', '9 RECORD_AHEAD'])
    expect(driver.crashes).toBe(1)
  })
})

describe('a record far ahead of the clock', () => {
  const ahead = { id: 9, at: Date.UTC(2100, 0) }

  it.each(windows('skip'))('is counted where late ones are skipped, %s windows', async (_name, window) => {
    await using driver = testDriver({ objects: [kind(window)], partitions: 1 })
    await driver.send(clicks, ahead)
    expect(driver.stats().skipped).toBe(1)
    expect(codes(driver)).toEqual([])
  })

  it.each(windows('stop'))('stops the app where late ones do, %s windows', async (_name, window) => {
    await using driver = testDriver({ objects: [kind(window)], partitions: 1 })
    await expect(driver.send(clicks, ahead)).rejects.toMatchObject({ code: 'RECORD_AHEAD', kind: 'window', key: 'all' })
  })

  it.each(windows())(
    'is taken where the topic says so, and everything else is late then, %s windows',
    async (_name, window) => {
      const any = topic('clicks', click, { timestamp: ({ at }) => at, maxAhead: 'unlimited' })
      await using driver = testDriver({ failures: 'expect', objects: [kind(window, any)], partitions: 1 })
      for (const each of [{ id: 1, at: start }, ahead, { id: 2, at: start }]) await driver.send(any, each)
      expect(codes(driver)).toEqual(['2 RECORD_LATE'])
      expect(idsClosed(driver)).toEqual([1])
    },
  )

  it('has its turn in other kinds, and does not move event timers', async () => {
    const counted = stateObject('counted', { state, init })
      .timers({ quiet: z.null() }, { time: 'event' })
      .on(
        clicks,
        () => 'all',
        ({ ids }, { id }, turn) => {
          ids.push(id)
          if (turn.isNew) turn.timer('quiet', '10s', null)
        },
      )
      .onTimer('quiet', ({ ids }) => {
        ids.push(0)
      })
    await using driver = testDriver({ objects: [counted], partitions: 2 })
    // Through both partitions: one of them hops.
    for (const key of ['a', 'b', 'c', 'd']) await driver.send(clicks, { id: 1, at: start }, { key })
    for (const key of ['a', 'b', 'c', 'd']) await driver.send(clicks, ahead, { key })
    expect(driver.state(counted, 'all')).toEqual({ ids: [1, 1, 1, 1, 9, 9, 9, 9] })
    for (const key of ['a', 'b', 'c', 'd']) await driver.send(clicks, { id: 2, at: start + 10_000 }, { key })
    expect(driver.state(counted, 'all')?.ids.filter((id) => id === 0)).toEqual([0])
  })
})

describe('a record whose own timestamp is no time', () => {
  const own = topic('own', click)
  const none = [-1, -2, -1e12, start * 1e6, latestTimeMs + 1]

  async function append(log: MemoryLog, all: readonly { readonly id: number; readonly at: number }[]): Promise<void> {
    const channel = await log.idempotent()
    for (const { id, at } of all) {
      const builder = batchBuilder()
      builder.add('all', JSON.stringify({ id, at: 0 }), at)
      const partition = { topic: 'own', partition: 0 }
      await channel.begin([partition], undefined)
      await channel.append(partition, builder.finish())
      await channel.commit()
    }
    await channel[Symbol.asyncDispose]()
  }

  async function run(objects: readonly AnyStateObject[]) {
    const log = memoryLog({ partitions: 1 })
    const now = Date.now()
    // As brokers before 4.0 do, its own takes any time.
    const configs = { 'message.timestamp.after.max.ms': '9223372036854775807' }
    await log.admin.create([{ name: 'own', partitions: 1, replicationFactor: -1, configs }])
    await append(log, [{ id: 100, at: now - 1 }, ...none.map((at, id) => ({ id, at })), { id: 101, at: now }])
    await using app = createApp({ id: 'app', log, objects, logger: silentLogger })
    await app.start()
    await app.drained()
    const dead = await readAll(log, topic('app-dlq', bytes()))
    const codes = dead.map(({ value, headers }) => {
      const { id } = JSON.parse(Buffer.from(value ?? []).toString()) as { id: number }
      return `${id} ${headers['millrace.error.code']}`
    })
    const states: unknown[] = []
    for (const object of objects)
      for await (const [, each] of app.state(object as StateObject).entries()) states.push(each)
    return { codes, states }
  }

  it.each(windows())('is refused by %s windows', async (_name, window) => {
    const { codes, states } = await run([kind(window, own)])
    expect(codes.sort()).toEqual(none.map((_at, id) => `${id} TIME_INVALID`))
    expect(new Set(states.flatMap((each) => (each as { ids: number[] }).ids))).toEqual(new Set([100, 101]))
  })

  it('has its turn in other kinds', async () => {
    const counted = stateObject('counted', { state, init }).on(
      own,
      () => 'all',
      ({ ids }, { id }) => {
        ids.push(id)
      },
    )
    const { codes, states } = await run([counted])
    expect(codes).toEqual([])
    expect(states).toEqual([{ ids: [100, 0, 1, 2, 3, 4, 101] }])
  })
})
