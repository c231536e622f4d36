import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { listeningLogger } from '../../../test/reading.js'
import { text } from '../../codec/codec.js'
import { systemClock, type Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { Fetcher, FetcherOptions, LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { lookup } from '../../model/lookup.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'
import type { EngineOptions } from '../setup/engine-options.js'
import { Lookups } from './lookups.js'

const namesTopic = topic('names', text())
const names = lookup(namesTopic)
const orders = topic('orders', text())
const seen = topic('seen', text())
const order = stateObject('order', { state: z.object({}), init: () => ({}) }).on(
  orders,
  (key) => key,
  (_state, key, turn) => turn.emit(seen, turn.lookup(names, key) ?? 'nobody'),
)

/** What happens every half minute happens a thousand times as often. */
const hastyClock: Clock = { ...systemClock, every: (ms, tick) => systemClock.every(ms / 1_000, tick) }

async function newLog(partitions = 2): Promise<MemoryLog> {
  const log = memoryLog({ partitions })
  const configs = { 'cleanup.policy': 'compact,delete' }
  await log.admin.create([{ name: 'names', partitions, replicationFactor: -1, configs }])
  return log
}

/** `null` deletes. `at` stands for the time of writing. */
async function put(log: MemoryLog, key: string, value: string | null, at = Date.now()): Promise<void> {
  const codec = { encode: (each: string | null) => each as string, decode: String }
  await log.send({ name: 'names', codec }, [value], { key: () => key, timestamp: () => at })
}

interface Following {
  readonly lookups: Lookups
  readonly warnings: readonly string[]
  readonly errors: readonly unknown[]
  readonly refused: readonly unknown[]
  readonly row: (key: string) => unknown
}

const open: Lookups[] = []
afterEach(async () => {
  for (const lookups of open.splice(0)) await lookups.close()
})

async function follow(log: LogPort, clock: Clock = systemClock, table = names): Promise<Following> {
  const logger = listeningLogger()
  const errors: unknown[] = []
  const refused: unknown[] = []
  const lookups = new Lookups({
    tables: [table.node],
    log,
    clock,
    logger,
    onRefused: (error) => refused.push(error),
    onError: (error) => errors.push(error),
  })
  open.push(lookups)
  await lookups.load()
  return { lookups, warnings: logger.warnings, errors, refused, row: (key) => lookups.row(names, key) }
}

/** A log whose fetchers of one purpose ask `before` each time whether they may read. */
function gated(log: LogPort, purpose: FetcherOptions['purpose'], before: () => Promise<void>): LogPort {
  const wrap = (fetcher: Fetcher): Fetcher => ({
    assign: (positions) => fetcher.assign(positions),
    pause: (partition) => fetcher.pause(partition),
    resume: (partition) => fetcher.resume(partition),
    held: () => fetcher.held(),
    next: async (signal) => {
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([before(), aborted])
      return fetcher.next(signal)
    },
    [Symbol.asyncDispose]: async () => fetcher[Symbol.asyncDispose](),
  })
  return {
    ...log,
    admin: log.admin,
    fetcher: (options) => (options.purpose === purpose ? wrap(log.fetcher(options)) : log.fetcher(options)),
  }
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { passed, open }
}

async function until(test: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!test()) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${test.toString()}`)
    await systemClock.breathe()
  }
}

describe('lookup tables', () => {
  it('are read to the end: position, not last record; what was aborted is not in them', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    await using channel = await log.transactions({ id: 'other', timeoutMs: 60_000 })
    for (const [name, decide] of [
      ['Bea', () => channel.commit()],
      ['never', () => channel.abort()],
    ] as const) {
      const at = { topic: 'names', partition: 0 }
      const batch = batchBuilder()
      batch.add(name === 'Bea' ? 'b' : 'a', name, 1)
      await channel.begin([at], undefined)
      await channel.append(at, batch.finish())
      await decide()
    }
    const { row } = await follow(log)
    expect([row('a'), row('b')]).toEqual(['Ada', 'Bea'])
  })

  it('have the latest rows whether the topic was compacted or not', async () => {
    const log = await newLog()
    for (let round = 0; round < 5; round++) for (const key of ['a', 'b', 'c']) await put(log, key, `${key}${round}`)
    await put(log, 'b', null)
    const whole = await follow(log)
    await log.compact('names')
    const compacted = await follow(log)
    for (const { row } of [whole, compacted]) expect(['a', 'b', 'c'].map(row)).toEqual(['a4', undefined, 'c4'])
    expect(compacted.lookups.records).toBeLessThan(whole.lookups.records)
  })

  it('follow what is written later', async () => {
    const log = await newLog()
    const { lookups, row } = await follow(log)
    await put(log, 'a', 'Ada')
    await lookups.caughtUp()
    expect(row('a')).toBe('Ada')
    await put(log, 'a', null)
    await lookups.caughtUp()
    expect(row('a')).toBeUndefined()
  })

  it('do not follow what is not committed, and say where they stand because of it', async () => {
    const log = await newLog(2)
    const { lookups, row } = await follow(log)
    const keyIn = (partition: number): string =>
      Array.from('abcdefgh').find((key) => partitionOfKey(key, 2) === partition) as string
    const [open, other] = [keyIn(0), keyIn(1)]
    const at = { topic: 'names', partition: 0 }
    await using channel = await log.transactions({ id: 'other', timeoutMs: 60_000 })
    const batch = batchBuilder()
    batch.add(open, 'Ada', 1)
    await channel.begin([at], undefined)
    await channel.append(at, batch.finish())
    await put(log, other, 'Bea')
    await lookups.caughtUp()
    expect([row(open), row(other)]).toEqual([undefined, 'Bea'])
    expect(lookups.held()).toEqual([{ ...at, offset: 0, highWatermark: 1 }])
    await channel.commit()
    await lookups.caughtUp()
    expect(row(open)).toBe('Ada')
    expect(lookups.held()).toEqual([])
  })

  it('read partitions that are added, from their beginning', async () => {
    const log = await newLog(2)
    const { row, errors } = await follow(log, hastyClock)
    await log.grow('names', 5)
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
    for (const key of keys) await put(log, key, `name of ${key}`)
    await until(() => keys.every((key) => row(key) === `name of ${key}`))
    expect(errors).toEqual([])
  })

  it("leave out a record without a key, from when the topic was not compacted yet, which onInvalid: 'skip' does not warn of", async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(namesTopic, ['Nobody'])
    await log.configure('names', { 'cleanup.policy': 'compact' })
    await put(log, 'a', 'Ann')
    const { row, refused, warnings, lookups } = await follow(
      log,
      systemClock,
      lookup(topic('names', text(), { onInvalid: 'skip' })),
    )
    expect(row('a')).toBe('Ann')
    expect(refused).toHaveLength(1)
    expect(lookups.records).toBe(2)
    expect(warnings).toEqual([])
  })

  it('take the later of two rows when a key has moved to another partition, in whatever order they are read', async () => {
    const log = await newLog(2)
    const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
    const moved = (from: number, to: number): string[] =>
      keys.filter((key) => partitionOfKey(key, 2) === from && partitionOfKey(key, 3) === to)
    // Partitions are read from the first to the last here, so what moved down is met before what is older.
    const [down, deleted] = moved(1, 0) as [string, string]
    const [up] = moved(0, 2) as [string]
    for (const key of [down, up, deleted]) await put(log, key, 'old', 1_000)
    await log.grow('names', 3)
    await put(log, down, 'new', 2_000)
    await put(log, up, 'new', 2_000)
    await put(log, deleted, null, 2_000)
    const { row } = await follow(log)
    expect([row(down), row(up), row(deleted)]).toEqual(['new', 'new', undefined])
  })

  it('go by offsets within a partition, whatever the timestamps say', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'first', 2_000)
    await put(log, 'a', 'second', 1_000)
    expect((await follow(log)).row('a')).toBe('second')
  })

  it('are read again when the topic was truncated, and seen as they were until that is complete', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    await put(log, 'b', 'Bea')
    let outOfRange = false
    const again = gate()
    let reads = 0
    const port = gated(
      gated(log, 'restore', () => (++reads === 1 ? Promise.resolve() : again.passed)),
      'live',
      () => {
        if (!outOfRange) return new Promise(() => undefined)
        outOfRange = false
        const at = { topic: 'names', partition: 0, offset: 2 }
        return Promise.reject(new MillraceError('OFFSET_OUT_OF_RANGE', 'names[0]: made up.', at))
      },
    )
    const { lookups, row, warnings, errors } = await follow(port, hastyClock)
    await log.admin.trim(PositionMap.of([['names', 0, 1]]).topics)
    await put(log, 'c', 'Cid')
    outOfRange = true
    // The live fetcher is asked again when its positions change.
    await log.grow('names', 2)
    await until(() => reads === 2)
    expect(['a', 'b', 'c'].map(row)).toEqual(['Ada', 'Bea', undefined])
    again.open()
    await lookups.caughtUp()
    expect(['a', 'b', 'c'].map(row)).toEqual([undefined, 'Bea', 'Cid'])
    expect(warnings).toEqual([expect.stringMatching(/names is read again from the beginning: names\[0\]: made up\./)])
    expect(errors).toEqual([])
  })

  it('are read again when the topic was made anew, although their position is in it', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    const { lookups, row, warnings } = await follow(log)
    const anew = { name: 'names', partitions: 1, replicationFactor: -1, configs: { 'cleanup.policy': 'compact' } }
    await Promise.all([log.deleteTopic('names'), log.admin.create([anew])])
    for (const key of ['b', 'c']) await put(log, key, 'Bea')
    await lookups.caughtUp()
    expect([row('a'), row('b')]).toEqual([undefined, 'Bea'])
    expect(warnings).toEqual([expect.stringContaining('the topic was deleted and made anew')])
  })

  it('stop the app with what the log refuses', async () => {
    const log = await newLog(1)
    const refusal = new MillraceError('BROKER_REFUSED', 'names[0]: not authorised', { topic: 'names', partition: 0 })
    const { errors } = await follow(gated(log, 'live', () => Promise.reject(refusal)))
    await until(() => errors.length > 0)
    expect(errors).toEqual([refusal])
  })
})

describe('an app with a lookup table', () => {
  const start = async (log: MemoryLog, engine: Partial<EngineOptions> = {}): Promise<Instance> => {
    const instance = new Instance({ app: 'orders', log, objects: [order], lookups: [names], engine })
    await instance.engine.start()
    return instance
  }
  const greetings = async (log: MemoryLog): Promise<(string | null)[]> => {
    const found = []
    for await (const { value } of log.read(seen)) found.push(value)
    return found
  }

  it('has all rows before its first turn, after a restart as well', async () => {
    const log = await newLog()
    for (let i = 0; i < 500; i++) await put(log, `k${i % 100}`, `name ${i}`)
    await log.send(orders, ['k0', 'k99', 'none'])
    const first = await start(log)
    await drained(first.engine)
    expect((await greetings(log)).sort()).toEqual(['name 400', 'name 499', 'nobody'])
    await first.engine.stop(1_000)
    await put(log, 'k0', 'while it was away')
    await log.send(orders, ['k0'])
    const second = await start(log)
    await drained(second.engine)
    expect(await greetings(log)).toContain('while it was away')
    expect(second.engine.stats.lookupRecords).toBe(501)
    await second.engine.stop(1_000)
  })

  it('has the rows of a partition that was added once the app is drained', async () => {
    const log = await newLog(1)
    const { engine } = await start(log)
    await log.grow('names', 2)
    const added = 'a b c d e f g h'.split(' ').filter((key) => partitionOfKey(key, 2) === 1)
    for (const key of added) await put(log, key, `name of ${key}`)
    await drained(engine)
    await log.send(orders, added)
    await drained(engine)
    expect((await greetings(log)).sort()).toEqual(added.map((key) => `name of ${key}`))
    await engine.stop(1_000)
  })

  it('is not ready, says why, and runs no turn while a table is being read', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    await log.send(orders, ['a'])
    const reading = gate()
    const wrap = (port: LogPort): LogPort => gated(port, 'restore', () => reading.passed)
    const { engine } = new Instance({ app: 'orders', log, objects: [order], lookups: [names], wrap })
    const starting = engine.start()
    await until(() => engine.health.reason?.includes('lookup tables') === true)
    expect(engine.health).toMatchObject({ live: true, ready: false, state: 'starting' })
    expect(engine.health.reason).toMatch(/must be complete before the first turn: names 0 %$/)
    expect(engine.stats.turns).toBe(0)
    reading.open()
    await starting
    await drained(engine)
    expect(engine.health).toMatchObject({ ready: true, reason: undefined })
    expect(await greetings(log)).toEqual(['Ada'])
    await engine.stop(1_000)
  })

  it('can be closed while a table is being read', async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    const wrap = (port: LogPort): LogPort => gated(port, 'restore', () => new Promise(() => undefined))
    const { engine } = new Instance({ app: 'orders', log, objects: [order], lookups: [names], wrap })
    const starting = engine.start()
    starting.catch(() => undefined)
    await until(() => engine.health.reason?.includes('lookup tables') === true)
    // Longer than the test may take: nothing is to be waited for.
    await engine.stop(60_000)
    await expect(starting).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })

  it('sees in an asynchronous turn what there is when it asks', async () => {
    const log = await newLog()
    await put(log, 'a', 'Ada')
    await log.send(orders, ['a'])
    const [asked, goOn] = [gate(), gate()]
    const slow = stateObject('order', { state: z.object({}), init: () => ({}) }).on(
      orders,
      (key) => key,
      async (_state, key, turn) => {
        const before = turn.lookup(names, key)
        asked.open()
        await goOn.passed
        turn.emit(seen, `${before}, ${turn.lookup(names, key)}`)
      },
    )
    const { engine } = new Instance({ app: 'orders', log, objects: [slow], lookups: [names] })
    await engine.start()
    await asked.passed
    await put(log, 'a', 'Ada Lovelace')
    await engine.parts.lookups.caughtUp()
    goOn.open()
    await drained(engine)
    expect(await greetings(log)).toEqual(['Ada, Ada Lovelace'])
    await engine.stop(1_000)
  })

  it('does not start on a topic that is not there, unless it may make it: then it is compacted', async () => {
    const log = memoryLog()
    await log.send(orders, [])
    await log.send(seen, [])
    await expect(start(log, { createTopics: false })).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'names' })
    const { engine } = await start(log, { createTopics: true })
    const info = (await log.admin.describe(['names'])).get('names')
    expect(info?.configs.get('cleanup.policy')).toBe('compact')
    await engine.stop(1_000)
  })

  it("does not start on a value that is refused with onInvalid: 'stop'", async () => {
    const log = await newLog(1)
    await put(log, 'a', 'Ada')
    const strict = lookup(topic('names', z.object({}), { onInvalid: 'stop' }))
    const { engine } = new Instance({ app: 'orders', log, objects: [order], lookups: [strict] })
    await expect(engine.start()).rejects.toMatchObject({ code: 'VALUE_INVALID', topic: 'names', offset: 0, key: 'a' })
  })

  it('warns of a topic that is not compacted', async () => {
    const log = memoryLog()
    await log.send(namesTopic, [])
    const logger = listeningLogger()
    const { engine } = new Instance({ app: 'orders', log, objects: [order], lookups: [names], logger })
    await engine.start()
    expect(logger.warnings).toEqual([expect.stringMatching(/^names is a lookup table and is not compacted/)])
    await engine.stop(1_000)
  })
})
