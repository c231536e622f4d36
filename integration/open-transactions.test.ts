import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Transaction } from 'kafkajs'
import { createApp, type App } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import { until } from '../lib/testing/log-contract/rows.js'
import { nextName } from './names.js'
import { expectExactlyOnce } from './oracle/check.js'
import { objectOf } from './oracle/program.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 50

describeWithKafka('a transaction of another producer that is left open in a source', (brokers) => {
  let world: World
  let app: App
  let folder: string
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const endings: (() => Promise<unknown>)[] = []

  beforeEach(async () => {
    world = await World.open(brokers)
    folder = mkdtempSync(join(tmpdir(), 'millrace-open-transactions-'))
    app = createApp({
      id: world.app,
      objects: [objectOf(world.topics)],
      flows: [world.topics.input.to(world.topics.copy)],
      kafka: { brokers },
      dataDir: folder,
      createTopics: true,
      commitInterval: 50,
      logger: silentLogger,
    })
  }, 20_000)
  afterEach(async () => {
    await app.close()
    for (const end of endings.splice(0).reverse()) await end()
    await world.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }, 30_000)

  const openIn = async (topic: string, partition: number, transactionalId: string): Promise<Transaction> => {
    const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    endings.push(() => producer.disconnect())
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition, key: 'k', value: '{"left":"open"}' }] })
    return transaction
  }

  it('is named by health() until it ends; other partitions are read meanwhile', async () => {
    const { input } = world.topics
    await world.feed(world.input.each(0, objects))
    await app.start()
    await app.drained()
    const before = app.stats().records
    const transactionalId = nextName('billing')
    const began = Date.now()
    const transaction = await openIn(input.name, 2, transactionalId)
    await world.feed(world.input.each(0, objects))
    await until(() => app.health().held.length > 0)
    const [found, ...others] = app.health().held
    expect(others).toEqual([])
    expect(found).toMatchObject({ topic: input.name, partition: 2, transactionalId })
    expect(Number(found?.producerId)).toBeGreaterThanOrEqual(0)
    expect(Math.abs((found?.since ?? 0) - began)).toBeLessThan(5_000)
    const ends = await world.log.admin.endOffsets([{ topic: input.name, partition: 2 }], 'all')
    expect((found?.offset ?? 0) + (found?.waiting ?? 0)).toBe(ends.get(input.name)?.get(2))
    const { state, ready, reason, lag } = app.health()
    expect({ state, ready, reason }).toEqual({ state: 'running', ready: true, reason: found?.reason })
    expect(reason).toContain(
      `transactional id '${transactionalId}' (producer id ${found?.producerId}, epoch 0); its time-out is 60 s`,
    )
    expect(reason).toContain(`abort --topic ${input.name} --partition 2 --start-offset ${found?.offset}`)
    expect(lag).toBe(found?.waiting)
    expect(app.stats().records).toBeGreaterThan(before)

    await transaction.abort()
    await app.drained()
    await until(() => app.health().held.length === 0)
    expect(app.health()).toMatchObject({ state: 'running', reason: undefined, lag: 0 })
    await expectExactlyOnce(world, world.input.states)
  }, 60_000)
})
