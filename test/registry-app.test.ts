import { z } from 'zod'
import {
  avro,
  avroSchema,
  createApp,
  lookup,
  memoryLog,
  registry,
  registryAvro,
  stateObject,
  topic,
} from '../lib/index.js'
import type { App, AppOptions, Log, LogClient, RegistryOptions } from '../lib/index.js'
import { silentLogger } from '../lib/core/logger.js'
import { testDriver } from '../lib/testing/index.js'
import { FakeRegistry } from './fake-registry.js'
import { framed } from './registry-topics.js'
import { until } from './sink-lab.js'

const Trade = z.object({ symbol: z.string(), price: z.number() }).meta({ id: 'Trade' })
const Wider = Trade.extend({ venue: z.string().default('') }).meta({ id: 'Trade' })
const Total = z.object({ n: z.int(), sum: z.number() }).meta({ id: 'Total' })
const Key = z.object({ symbol: z.string() }).meta({ id: 'Key' })

let fake: FakeRegistry
let log: Log & LogClient
beforeEach(async () => {
  fake = await FakeRegistry.start()
  log = memoryLog({ partitions: 2 })
})
afterEach(() => fake.stop())

/** Totals by symbol, which nearly always is in another partition than the key of the record. */
function program(options: Partial<RegistryOptions> = {}) {
  const client = registry({ url: fake.url, timeout: '500ms', ...options })
  const trades = topic('trades', registryAvro(Trade, { registry: client }))
  const totals = topic('totals', registryAvro(Total, { registry: client }), {
    key: registryAvro(Key, { registry: client }),
  })
  const total = stateObject('total', { state: Total, init: () => ({ n: 0, sum: 0 }) })
    .on(
      trades,
      ({ symbol }) => symbol,
      (state, { price }) => {
        state.n++
        state.sum += price
      },
    )
    .publish(totals, (state) => state)
  return { trades, totals, total }
}

const options = (more: Partial<AppOptions>): AppOptions =>
  ({ id: 'app', log, createTopics: true, logger: silentLogger, ...more }) as AppOptions

/** Written by a producer of its own. */
const raw = topic('trades', {
  format: 'raw',
  encode: (bytes: Uint8Array) => bytes,
  decode: (bytes: Uint8Array) => bytes,
})

async function rows(): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  // With a client of its own, which knows no id.
  for await (const { key, value } of log.read(program().totals)) found[String(key)] = value
  return found
}

async function letters(): Promise<string[]> {
  const found: string[] = []
  const dead = topic('app-dlq', {
    format: 'raw',
    encode: (bytes: Uint8Array) => bytes,
    decode: (bytes: Uint8Array) => bytes,
  })
  for await (const { record } of log.read(dead))
    found.push(
      Buffer.from(
        record.headers.get('millrace-error') ??
          ([...record.headers]
            .map(([name, value]) => `${name}=${Buffer.from(value ?? []).toString()}`)
            .join(' ') as never),
      ).toString(),
    )
  return found
}

describe('an app', () => {
  it('reads and writes values and keys, with records that hop', async () => {
    const { trades, total } = program()
    await log.send(
      trades,
      Array.from({ length: 20 }, (_, n) => ({ symbol: `s${n % 4}`, price: n })),
      { key: ({ price }) => `k${price}` },
    )
    await using app = createApp(options({ objects: [total] }))
    await app.start()
    await app.drained()
    expect(app.stats().hops).toBeGreaterThan(0)
    expect(await rows()).toEqual({
      s0: { n: 5, sum: 40 },
      s1: { n: 5, sum: 45 },
      s2: { n: 5, sum: 50 },
      s3: { n: 5, sum: 55 },
    })
    expect([...fake.subjects.keys()].sort()).toEqual(['totals-key', 'totals-value', 'trades-value'])
  })

  it('does not start when what it writes is incompatible, and says what to do', async () => {
    fake.incompatible = true
    await using app = createApp(options({ objects: [program().total] }))
    await expect(app.start()).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
      message: expect.stringMatching(/^topic 'totals', its key: subject 'totals-key': .*not compatible/) as string,
    })
  })

  it('does not start when it may not register what is not there', async () => {
    await using app = createApp(options({ objects: [program({ register: false }).total] }))
    await expect(app.start()).rejects.toMatchObject({ code: 'SCHEMA_REFUSED' })
  })

  it('starts when the registry is back', async () => {
    await fake.stop()
    await using app = createApp(options({ objects: [program().total] }))
    const started = app.start()
    await until(() => app.health().reason?.includes('ECONNREFUSED') === true)
    expect(app.health()).toMatchObject({ state: 'starting', ready: false, live: true })
    await fake.start()
    await started
    expect(app.health().state).toBe('running')
  })

  it('can be closed while it waits for the registry', async () => {
    fake.intercept = () => false
    const app = createApp(options({ objects: [program({ timeout: '60s' }).total] }))
    const started = app.start()
    await until(() => fake.requests.length > 0)
    await app.close()
    await expect(started).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })

  it('waits for the schema of a record while the registry is away, and goes on with other inputs', async () => {
    const { trades, total } = program()
    const words = topic('words', z.object({ w: z.string() }))
    const seen: string[] = []
    const word = stateObject('word', { state: z.object({ n: z.int() }), init: () => ({ n: 0 }) }).on(
      words,
      ({ w }) => w,
      (state, { w }) => {
        state.n++
        seen.push(w)
      },
    )
    await using app = createApp(options({ objects: [total, word] }))
    await app.start()
    await log.send(trades, [{ symbol: 'a', price: 1 }], { key: () => 'k' })
    await app.drained()
    const id = fake.add('trades-value', avroSchema(Wider))
    await fake.stop()
    const wider = framed(id, avro(Wider).encode({ symbol: 'a', price: 2, venue: 'x' }))
    await log.send(raw, [wider], { key: () => 'k' })
    await log.send(trades, [{ symbol: 'a', price: 3 }], { key: () => 'k' })
    await until(() => app.health().waiting.length === 1)
    const [waiting] = app.health().waiting
    expect(waiting).toMatchObject({
      topic: 'trades',
      reason: expect.stringMatching(
        /^trades\[\d\]@1: the next record waits, nothing is lost: .*schema \d+: .*ECONNREFUSED/,
      ) as string,
    })
    expect(app.health()).toMatchObject({ state: 'running', ready: true, reason: waiting?.reason })
    await log.send(words, [{ w: 'meanwhile' }], { key: () => 'w' })
    await until(() => seen.length === 1)
    expect(app.stats().turns).toBe(2)
    await fake.start()
    await app.drained()
    expect(app.health()).toMatchObject({ waiting: [], reason: undefined })
    expect(await rows()).toEqual({ a: { n: 3, sum: 6 } })
    expect(app.stats().deadLetters).toBe(0)
  })

  it('makes dead letters of what has no schema, no form, or one that ours cannot be made of', async () => {
    const { trades, total } = program()
    const Other = z.object({ symbol: z.string(), price: z.string() }).meta({ id: 'Trade' })
    await log.send(trades, [{ symbol: 'a', price: 1 }], { key: () => 'k' })
    await log.send(
      raw,
      [
        framed(77, 'x'),
        Buffer.from('{}'),
        framed(fake.add('other', avroSchema(Other)), avro(Other).encode({ symbol: 'a', price: 'x' })),
      ],
      { key: () => 'k' },
    )
    await log.send(trades, [{ symbol: 'a', price: 2 }], { key: () => 'k' })
    await using app = createApp(options({ objects: [total] }))
    await app.start()
    await app.drained()
    expect(await rows()).toEqual({ a: { n: 2, sum: 3 } })
    const dead = (await letters()).join('\n')
    expect(dead).toMatch(/the registry does not have schema 77/)
    expect(dead).toMatch(/does not begin with a zero byte/)
    expect(dead).toMatch(/what Trade wrote cannot be read as Trade/)
    expect(app.stats().deadLetters).toBe(3)
  })

  it('reads again what waits for another attempt, in a process that does not know its schema', async () => {
    const { trades } = program()
    let fails = true
    const objects = () => {
      const { trades: from } = program()
      return [
        stateObject('total', { state: Total, init: () => ({ n: 0, sum: 0 }) }).on(
          from,
          { key: ({ symbol }) => symbol, onError: { attempts: 100, backoff: 1 } },
          (state, { price }) => {
            if (fails) throw new Error('not yet')
            state.n++
            state.sum += price
          },
        ),
      ]
    }
    await log.send(trades, [{ symbol: 'a', price: 1 }], { key: () => 'k' })
    const first = createApp(options({ objects: objects() }))
    await first.start()
    await until(() => first.stats().failed > 2)
    await first.close()
    fails = false
    const all = objects()
    await using second: App = createApp(options({ objects: all }))
    await second.start()
    await until(() => second.stats().turns === 1)
    await second.drained()
    expect(await second.state(all[0] as never).get('a')).toEqual({ n: 1, sum: 1 })
  })

  it('looks up rows of such topics, and follows them', async () => {
    const client = registry({ url: fake.url })
    const prices = topic('prices', registryAvro(Trade, { registry: client }), {
      key: registryAvro(Key, { registry: client }),
    })
    const writer = topic('prices', registryAvro(Wider, { registry: registry({ url: fake.url }) }), {
      key: prices.keys === undefined ? undefined : registryAvro(Key, { registry: registry({ url: fake.url }) }),
    } as never)
    const table = lookup(prices)
    const asks = topic('asks', z.object({ symbol: z.string() }))
    const got: unknown[] = []
    const ask = stateObject('ask', { state: z.object({ n: z.int() }), init: () => ({ n: 0 }) }).on(
      asks,
      ({ symbol }) => symbol,
      (state, { symbol }, turn) => {
        state.n++
        got.push(turn.lookup(table, symbol))
      },
    )
    await log.send(writer, [{ symbol: 'a', price: 1, venue: 'x' }], { key: ({ symbol }) => symbol })
    await using app = createApp(options({ objects: [ask], lookups: [table] }))
    await app.start()
    await log.send(asks, [{ symbol: 'a' }], { key: () => 'a' })
    await app.drained()
    await log.send(writer, [{ symbol: 'a', price: 2, venue: 'x' }], { key: ({ symbol }) => symbol })
    await app.drained()
    await log.send(asks, [{ symbol: 'a' }], { key: () => 'a' })
    await app.drained()
    expect(got).toEqual([
      { symbol: 'a', price: 1 },
      { symbol: 'a', price: 2 },
    ])
  })
})

it('the test driver works with a registry', async () => {
  const { trades, totals, total } = program()
  await using driver = testDriver({ objects: [total] })
  await driver.send(trades, { symbol: 'a', price: 1 }, { key: 'k1' })
  await driver.send(trades, { symbol: 'a', price: 2 }, { key: 'k2' })
  await driver.crash()
  expect(driver.emitted(totals).at(-1)).toEqual({ key: 'a', value: { n: 2, sum: 3 } })
})
