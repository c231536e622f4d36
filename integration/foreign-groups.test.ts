import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Consumer } from 'kafkajs'
import { createApp, type App } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import { consoleNames, javaTool } from './kafka/java-tool.js'
import { objectOf } from './oracle/program.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 50

describeWithKafka('a consumer that is not of the app, in the group of its name', (brokers) => {
  let world: World
  let folder: string
  const endings: (() => Promise<unknown> | void)[] = []
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })

  beforeEach(async () => {
    world = await World.open(brokers)
    folder = mkdtempSync(join(tmpdir(), 'millrace-foreign-'))
  }, 20_000)
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end()
    await world.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }, 60_000)

  const newApp = (): App => {
    const app = createApp({
      id: world.app,
      objects: [objectOf(world.topics)],
      flows: [world.topics.input.to(world.topics.copy)],
      kafka: { brokers },
      dataDir: folder,
      createTopics: true,
      sessionTimeout: 3_000,
      logger: silentLogger,
    })
    app.closed().catch(() => undefined)
    endings.push(() => app.close())
    return app
  }
  const plainConsumer = async (): Promise<Consumer> => {
    const consumer = kafka.consumer({ groupId: world.app, sessionTimeout: 6_000, heartbeatInterval: 500 })
    await consumer.connect()
    await consumer.subscribe({ topic: world.topics.input.name })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    endings.push(() => consumer.disconnect())
    return consumer
  }
  /** Kafka's own consumer for Java, in the protocol of KIP-848. */
  const newerConsumer = (): ChildProcessWithoutNullStreams => {
    const child = javaTool(
      consoleNames().consumer,
      ['--bootstrap-server', brokers.join(','), '--topic', world.topics.input.name, '--group', world.app],
      ['--consumer-property', 'group.protocol=consumer', '--from-beginning'],
    )
    child.stdout.resume()
    child.stderr.resume()
    endings.push(() => void child.kill('SIGKILL'))
    return child
  }
  const refused = { code: 'GROUP_MISMATCH', message: expect.stringMatching(/choose another app id/) }

  it('of the classic protocol keeps it from starting, with a sentence, until it has left', async () => {
    await world.feed(world.input.each(0, objects))
    const consumer = await plainConsumer()
    await expect(newApp().start()).rejects.toMatchObject(refused)
    await consumer.disconnect()
    const app = newApp()
    await app.start()
    await app.drained()
    expect(app.health().state).toBe('running')
  }, 60_000)

  it('of the newer protocol (KIP-848) keeps it from starting, with a sentence', async () => {
    await world.feed(world.input.each(0, objects))
    const consumer = newerConsumer()
    // It prints what it reads, which it does as a member only.
    await once(consumer.stdout, 'data')
    await expect(newApp().start()).rejects.toMatchObject(refused)
  }, 60_000)

  it('of the newer protocol is refused by the brokers while the app runs, which goes on', async () => {
    const app = newApp()
    await app.start()
    const consumer = newerConsumer()
    await once(consumer, 'exit')
    await world.feed(world.input.each(0, objects))
    await app.drained()
    expect(app.health()).toMatchObject({ state: 'running', lag: 0 })
  }, 60_000)
})
