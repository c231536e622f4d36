import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { createApp, kafkaLog, lookup, stateObject, text, topic, type App, type Log, type LogClient } from 'millrace'
import { z } from 'zod'
import type { LogPort } from '../lib/log/port.js'
import { partitionOfKey } from '../lib/log/murmur2.js'
import { batchOf, until } from '../lib/testing/log-contract/rows.js'
import { nextName } from './names.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

/** An app whose orders are answered with what the table has for their customer. */
class Shop {
  readonly id = nextName('lookup')
  readonly table = topic(`${this.id}-customers`, text())
  readonly warnings: string[] = []
  readonly log: Log & LogClient
  readonly #customers = lookup(this.table)
  readonly #orders = topic(`${this.id}-orders`, z.object({ id: z.string(), customer: z.string() }), { partitions: 2 })
  readonly #answers = topic(`${this.id}-answers`, text(), { partitions: 2 })
  readonly #brokers: readonly string[]
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-lookup-'))
  readonly #apps: App[] = []
  #asked = 0
  /** Awaited by each turn before it looks anything up. */
  hold: Promise<void> | undefined

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers
    this.log = kafkaLog({ brokers })
  }

  async app(): Promise<App> {
    const order = stateObject('order', { state: z.object({}), init: () => ({}) }).on(
      this.#orders,
      ({ id }) => id,
      (_state, { customer }, turn) => {
        const answer = (): void => turn.emit(this.#answers, turn.lookup(this.#customers, customer) ?? 'nobody')
        return this.hold === undefined ? answer() : this.hold.then(answer)
      },
    )
    const app = createApp({
      id: this.id,
      objects: [order],
      lookups: [this.#customers],
      kafka: { brokers: this.#brokers },
      dataDir: this.#folder,
      createTopics: true,
      sessionTimeout: '6s',
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: (_, message) => void this.warnings.push(message ?? ''),
        error: (_, message) => void this.warnings.push(message ?? ''),
      },
    })
    app.closed().catch(() => undefined)
    this.#apps.push(app)
    await app.start()
    return app
  }

  /** Rows by key; `null` deletes. */
  async put(rows: Readonly<Record<string, string | null>>): Promise<void> {
    const codec = { encode: ([, value]: [string, string | null]) => value as string, decode: () => ['', null] as never }
    await this.log.send({ name: this.table.name, codec }, Object.entries(rows), { key: ([key]) => key })
  }

  async order(customer: string): Promise<string> {
    const id = `order-${++this.#asked}`
    await this.log.send(this.#orders, [{ id, customer }], { key: (order) => order.id })
    return id
  }

  /** What the order was answered with; undefined while it was not. */
  async answer(order: string): Promise<string | null | undefined> {
    for await (const { key, value } of this.log.read(this.#answers)) if (key === order) return value
    return undefined
  }

  /** What the table has for a customer, by way of an order. */
  async ask(app: App, customer: string): Promise<string | null | undefined> {
    const id = await this.order(customer)
    await app.drained()
    return this.answer(id)
  }

  async remove(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close({ timeout: 100 })))
    await this.log[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

describeWithKafka('a lookup table', (brokers) => {
  let admin: Admin
  let shop: Shop

  beforeEach(async () => {
    shop = new Shop(brokers)
    admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
  })
  afterEach(async () => {
    await admin.disconnect()
    await shop.remove()
  }, 30_000)

  const make = async (numPartitions: number): Promise<void> => {
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: shop.table.name, numPartitions, configEntries }],
    })
  }

  it('has all that was committed before the first turn, follows what comes, and has it after a restart', async () => {
    await make(3)
    const rows = 30_000
    const codec = text()
    await shop.log.send(
      { name: shop.table.name, codec },
      (function* () {
        for (let n = 0; n < 2 * rows; n++) yield `k${n % rows}=${n}`
      })(),
      { key: (row) => row.slice(0, row.indexOf('=')) },
    )
    await shop.put({ k7: null })
    const port = shop.log as unknown as LogPort
    await using channel = await port.transactions({ id: `${shop.id}-other`, timeoutMs: 60_000 })
    const at = { topic: shop.table.name, partition: partitionOfKey('k8', 3) }
    await channel.begin([at], undefined)
    await channel.append(at, batchOf([{ key: 'k8', value: 'aborted', timestamp: Date.now() }]))
    await channel.abort()
    await channel.begin([at], undefined)
    await channel.append(at, batchOf([{ key: 'extra', value: 'committed', timestamp: Date.now() }]))
    await channel.commit()
    const app = await shop.app()
    expect(app.stats().lookupRecords).toBe(2 * rows + 2)
    expect(await shop.ask(app, 'k29999')).toBe('k29999=59999')
    expect(await shop.ask(app, 'k7')).toBe('nobody')
    expect(await shop.ask(app, 'k8')).toBe('k8=30008')
    expect(await shop.ask(app, 'extra')).toBe('committed')

    await shop.put({ k7: 'back', k29999: null })
    await until(async () => (await shop.ask(app, 'k29999')) === 'nobody' && (await shop.ask(app, 'k7')) === 'back')
    await app.close()
    const again = await shop.app()
    expect(await shop.ask(again, 'k29999')).toBe('nobody')
    expect(await shop.ask(again, 'k7')).toBe('back')
    expect(shop.warnings).toEqual([])
  }, 60_000)

  it('is made compacted when the app may make it', async () => {
    await shop.app()
    const port = shop.log as unknown as LogPort
    const info = (await port.admin.describe([shop.table.name])).get(shop.table.name)
    expect(info?.configs.get('cleanup.policy')).toBe('compact')
  }, 30_000)

  it('has the rows of partitions that are added, and the newer of two after a restart', async () => {
    await make(2)
    const keys = Array.from({ length: 60 }, (_, n) => `k${n}`)
    await shop.put(Object.fromEntries(keys.map((key) => [key, 'old'])))
    const app = await shop.app()
    await admin.createPartitions({ topicPartitions: [{ topic: shop.table.name, count: 3 }] })
    // A producer that knows of them.
    await until(async () => {
      const port = shop.log as unknown as LogPort
      return (await port.admin.describe([shop.table.name])).get(shop.table.name)?.partitions === 3
    })
    await shop.put(Object.fromEntries(keys.map((key) => [key, 'new'])))
    const moved = keys.filter((key) => partitionOfKey(key, 2) === 1 && partitionOfKey(key, 3) === 0)
    const added = keys.filter((key) => partitionOfKey(key, 3) === 2)
    expect([moved.length > 0, added.length > 0]).toEqual([true, true])
    await until(async () => (await shop.ask(app, added[0] as string)) === 'new')
    await app.close()
    const again = await shop.app()
    for (const key of [moved[0], added[0]]) expect(await shop.ask(again, key as string)).toBe('new')
  }, 90_000)

  it('serves what it had while its topic is deleted, and is read anew when it is back', async () => {
    await make(2)
    await shop.put({ gone: 'there', kept: 'before' })
    const app = await shop.app()
    await admin.deleteTopics({ topics: [shop.table.name] })
    await until(() => shop.warnings.some((warning) => warning.includes('does not exist any more')))
    expect(await shop.ask(app, 'gone')).toBe('there')
    expect(app.health()).toMatchObject({ live: true, ready: true })
    await make(1)
    await shop.put({ kept: 'after' })
    await until(async () => (await shop.ask(app, 'kept')) === 'after')
    expect(await shop.ask(app, 'gone')).toBe('nobody')
    expect(shop.warnings.at(-1)).toContain('the topic is back')
  }, 90_000)
})

describeWithKafka('a lookup table whose broker is away', () => {
  let broker: OwnBroker
  let shop: Shop
  beforeAll(async () => {
    broker = await OwnBroker.start()
  }, 60_000)
  afterAll(() => broker.remove(), 60_000)
  beforeEach(() => {
    shop = new Shop([broker.address])
  })
  afterEach(() => shop.remove(), 30_000)

  it('serves what it has, and follows again when it is back', async () => {
    const app = await shop.app()
    await shop.put({ c: 'before' })
    await until(() => app.stats().lookupRecords === 1)
    let release = (): void => undefined
    shop.hold = new Promise((resolve) => (release = resolve))
    const order = await shop.order('c')
    await until(() => app.stats().records > 0)
    broker.freeze()
    await until(() => app.health().state === 'degraded')
    release()
    await until(() => app.stats().turns === 1)
    broker.thaw()
    await app.drained()
    expect(await shop.answer(order)).toBe('before')
    await shop.put({ c: 'after' })
    await until(async () => (await shop.ask(app, 'c')) === 'after')
    expect(app.health().ready).toBe(true)
  }, 60_000)
})
