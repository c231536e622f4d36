import { avro, avroSchema, createApp, memoryLog, registry, registryAvro, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { SchemaRegistry } from './setup/schema-registry.js'

const Trade = z
  .object({ symbol: z.string(), price: z.number(), at: z.date(), note: z.string().optional() })
  .meta({ id: 'Trade' })
const Key = z.object({ symbol: z.string(), lot: z.int() }).meta({ id: 'TradeKey' })
const at = new Date(1_700_000_000_000)
const trade = { symbol: 'IBM', price: 1.5, at }

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const plain = (name: string) =>
  topic(name, { format: 'raw', encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes })

/** Topics of one name each, since the registry remembers. */
let names = 0
const nextTopic = (): string => `trades.${process.pid}.${names++}`

describe('a real schema registry', () => {
  let real: SchemaRegistry
  beforeAll(async () => void (real = await SchemaRegistry.start()))
  afterAll(() => real.remove())

  const tradesAt = (name: string, schema: z.ZodType = Trade, register = true) =>
    topic(
      name,
      registryAvro(schema as typeof Trade, {
        registry: registry({ url: real.url, register, fetch: asked }),
        name: 'Trade',
      }),
    )
  /** Started again it is empty for a moment, and would say that it has no such schema: a real one is not. */
  let isFilled = true
  const asked: typeof fetch = async (...request) => {
    if (!isFilled) throw new TypeError('fetch failed')
    return fetch(...request)
  }

  /** Sums of prices by symbol. */
  function summing(name: string, log: ReturnType<typeof memoryLog>, schema: z.ZodType = Trade) {
    const sums = stateObject('sum', {
      state: z.object({ n: z.int(), sum: z.number() }),
      init: () => ({ n: 0, sum: 0 }),
    }).on(
      tradesAt(name, schema),
      ({ symbol }) => symbol,
      (state, { price }) => {
        state.n++
        state.sum += price
      },
    )
    return { sums, app: createApp({ id: 'app', log, objects: [sums], createTopics: true, logger: silent }) }
  }

  it('gives the same id again, and to those who only look up', async () => {
    const name = nextTopic()
    const log = memoryLog()
    for (const register of [true, true, false]) await log.send(tradesAt(name, Trade, register), [trade])
    const ids: number[] = []
    for await (const { value } of log.read(plain(name))) ids.push(Buffer.from(value as Uint8Array).readInt32BE(1))
    expect(new Set(ids).size).toBe(1)
    expect(await real.ask('GET', `/subjects/${name}-value/versions`)).toEqual([1])
    await expect(memoryLog().send(tradesAt(nextTopic(), Trade, false), [trade])).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
    })
  })

  it('refuses at start what is not compatible', async () => {
    const name = nextTopic()
    const log = memoryLog()
    await log.send(tradesAt(name), [trade])
    await real.ask('PUT', `/config/${name}-value`, { compatibility: 'BACKWARD' })
    const Changed = z.object({ symbol: z.string(), size: z.int() }).meta({ id: 'Trade' })
    const back = topic(name, registryAvro(Changed, { registry: registry({ url: real.url }) }))
    const flow = topic('words', z.object({ symbol: z.string(), size: z.int() })).to(back)
    await using app = createApp({ id: 'app', log, flows: [flow], createTopics: true, logger: silent })
    await expect(app.start()).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
      message: expect.stringContaining(
        `subject '${name}-value': the schema that this app writes is not compatible`,
      ) as string,
    })
  })

  it('is read and written by Apicurio for Java: values', async () => {
    const name = nextTopic()
    const log = memoryLog()
    await log.send(tradesAt(name), [trade, { ...trade, note: 'ü' }])
    const ours: Uint8Array[] = []
    for await (const { value } of log.read(plain(name))) ours.push(value as Uint8Array)
    expect(await real.readByJava(`${name}-value`, ours)).toEqual([
      { symbol: 'IBM', price: 1.5, at: at.getTime(), note: null },
      { symbol: 'IBM', price: 1.5, at: at.getTime(), note: 'ü' },
    ])
    const theirs = await real.writtenByJava(`${name}-value`, avroSchema(Trade), [
      { symbol: 'AAPL', price: 2, at: 5, note: { string: 'x' } },
    ])
    await log.send(plain(name), theirs)
    const all: unknown[] = []
    for await (const { value } of log.read(tradesAt(name))) all.push(value)
    expect(all).toContainEqual({ symbol: 'AAPL', price: 2, at: new Date(5), note: 'x' })
    expect(await real.ask('GET', `/subjects/${name}-value/versions`)).toEqual([1])
  })

  it('is read by Apicurio for Java: keys', async () => {
    const name = nextTopic()
    const log = memoryLog()
    const keyed = topic(name, z.object({ n: z.int() }), {
      key: registryAvro(Key, { registry: registry({ url: real.url }) }),
    })
    await log.send(keyed, [{ n: 1 }], { key: () => '["IBM",7]' })
    const keys: Buffer[] = []
    const raw = topic(name, z.object({ n: z.int() }), {
      key: { format: 'bytes', encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes },
    })
    for await (const { key } of log.read(raw)) keys.push(Buffer.from(key as string, 'hex'))
    expect(await real.readByJava(`${name}-key`, keys)).toEqual([{ symbol: 'IBM', lot: 7 }])
  })

  it('has schemas of newer and older producers, which are made ours', async () => {
    const name = nextTopic()
    const log = memoryLog()
    const Older = z.object({ symbol: z.string(), price: z.number(), at: z.date() }).meta({ id: 'Trade' })
    const Newer = Trade.extend({ venue: z.string().default('') }).meta({ id: 'Trade' })
    await log.send(tradesAt(name, Older), [trade])
    await log.send(tradesAt(name), [trade])
    await log.send(tradesAt(name, Newer), [{ ...trade, venue: 'x' } as never])
    expect(await real.ask('GET', `/subjects/${name}-value/versions`)).toEqual([1, 2, 3])
    for (const schema of [Older, Trade, Newer]) {
      const read: unknown[] = []
      for await (const { value } of log.read(tradesAt(name, schema))) read.push((value as { price: number }).price)
      expect(read).toEqual([1.5, 1.5, 1.5])
    }
  })

  it('may be killed and started again while records wait for it: nothing is lost', async () => {
    const name = nextTopic()
    const log = memoryLog({ partitions: 1 })
    const { sums, app } = summing(name, log)
    await using _ = app
    await log.send(tradesAt(name), [trade])
    await app.start()
    await app.drained()
    const Newer = Trade.extend({ venue: z.string().default('') }).meta({ id: 'Trade' })
    const before = (await real.ask('POST', `/subjects/${name}-value/versions`, {
      schema: JSON.stringify(avroSchema(Newer)),
    })) as { id: number }
    await real.kill()
    const header = Buffer.alloc(5)
    header.writeInt32BE(before.id, 1)
    const newer = Buffer.concat([header, Buffer.from(avro(Newer).encode({ ...trade, venue: 'x' }))])
    await log.send(plain(name), [newer, newer])
    while (app.health().waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    isFilled = false
    await real.startAgain()
    // It has forgotten all: what it is given now has the ids from 1 on, until the one is there that the records have.
    for (let n = 1, id = 0; id < before.id; n++) {
      const schema = n === before.id ? avroSchema(Newer) : { type: 'fixed', name: `Filler${n}`, size: n }
      ;({ id } = (await real.ask('POST', `/subjects/again-${n}/versions`, { schema: JSON.stringify(schema) })) as {
        id: number
      })
    }
    isFilled = true
    await app.drained()
    expect(await app.state(sums).get('IBM')).toEqual({ n: 3, sum: 4.5 })
    expect(app.stats().deadLetters).toBe(0)
  })

  it('does not have every id: such a record is a dead letter', async () => {
    const name = nextTopic()
    const log = memoryLog({ partitions: 1 })
    const { sums, app } = summing(name, log)
    await using _ = app
    await log.send(tradesAt(name), [trade])
    await log.send(plain(name), [Buffer.from('00000fffff00', 'hex')])
    await log.send(tradesAt(name), [trade])
    await app.start()
    await app.drained()
    expect(app.stats().deadLetters).toBe(1)
    expect(await app.state(sums).get('IBM')).toEqual({ n: 2, sum: 3 })
  })
})
