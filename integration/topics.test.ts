import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel, type Admin } from 'kafkajs'
import { createApp, type App } from 'millrace'
import { PositionMap } from '../lib/core/record.js'
import type { Logger } from '../lib/core/logger.js'
import { until } from '../lib/testing/log-contract/rows.js'
import { expectExactlyOnce } from './oracle/check.js'
import { objectOf, type OracleState } from './oracle/program.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 200

describeWithKafka('an app and its topics', (brokers) => {
  let world: World
  let admin: Admin
  let folder: string
  let warnings: string[]
  const apps: App[] = []
  const worlds: World[] = []

  beforeEach(async () => {
    world = await World.open(brokers)
    worlds.push(world)
    folder = mkdtempSync(join(tmpdir(), 'millrace-topics-'))
    warnings = []
    admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
  }, 20_000)
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
    await admin.disconnect()
    await Promise.all(worlds.splice(0).map((one) => one.close()))
    rmSync(folder, { recursive: true, force: true })
  }, 30_000)

  const note: Logger['warn'] = (_, message) => void warnings.push(message ?? '')
  const appIn = (directory: string, { createTopics = true, of = world } = {}): App => {
    const { input, copy } = of.topics
    const app = createApp({
      id: of.app,
      objects: [objectOf(of.topics)],
      flows: [input.to(copy)],
      kafka: { brokers },
      dataDir: join(folder, directory),
      createTopics,
      commitInterval: 50,
      sessionTimeout: 2_000,
      logger: { debug: () => undefined, info: () => undefined, warn: note, error: note },
    })
    app.closed().catch(() => undefined)
    apps.push(app)
    return app
  }
  /** Processes all there is in a store of its own, and ends. Resolves to what it has then. */
  const runIn = async (directory: string): Promise<{ state: Map<string, OracleState>; restored: number }> => {
    const app = appIn(directory)
    await app.start()
    await app.drained()
    const state = new Map<string, OracleState>()
    for await (const [key, value] of app.state(objectOf(world.topics)).entries()) state.set(key, value as OracleState)
    const { restoredRecords } = app.stats()
    await app.close()
    return { state, restored: restoredRecords }
  }
  const configure = async (topic: string, policy: string): Promise<void> => {
    const configEntries = [{ name: 'cleanup.policy', value: policy }]
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
  }

  it('restores from the beginning when the changelog was truncated beyond where its store ends', async () => {
    const changelog = world.topics.changelog.name
    await world.feed(world.input.each(0, objects))
    await runIn('a')
    await world.feed(world.input.each(0, objects))
    await runIn('b')
    const all = world.partitionsOf(changelog)
    const ends = await world.log.admin.endOffsets(all, 'all')
    await world.feed(world.input.each(0, objects))
    await runIn('b')
    await configure(changelog, 'compact,delete')
    // The broker that deletes hears of the new policy a moment later.
    await until(() =>
      world.log.admin.trim(ends).then(
        () => true,
        () => false,
      ),
    )
    await configure(changelog, 'compact')

    const { state, restored } = await runIn('a')
    expect(state).toEqual(world.input.states)
    expect(restored).toBe(objects)
    expect(warnings.join('\n')).toMatch(/begins at \d+, after the stored offset/)
  }, 60_000)

  /** As `kafka-consumer-groups --reset-offsets --to-earliest` does. */
  const setToStart = async (topic: string): Promise<void> => {
    await using channel = await world.log.idempotent()
    await channel.begin([], world.app)
    const nobody = { group: world.app, generationId: -1, memberId: '', withoutMembers: true } as const
    const starts = world.partitionsOf(topic).map(({ partition }) => [topic, partition, 0] as const)
    await channel.offsets(nobody, PositionMap.of(starts).topics)
    await channel.commit()
  }

  it.each([
    ['in the store that it had', 'a'],
    ['with another disk', 'b'],
  ])(
    'goes on where its state was committed when its group was deleted, %s',
    async (_where, then) => {
      await world.feed(world.input.each(0, objects))
      await runIn('a')
      await admin.deleteGroups([world.app])
      await world.feed(world.input.each(0, objects))
      expect((await runIn(then)).state).toEqual(world.input.states)
      await expectExactlyOnce(world, world.input.states)
      expect(warnings.join('\n')).toMatch(/goes on from where its state was committed/)
    },
    60_000,
  )

  it('does not start on empty state when its changelog was deleted between two runs, nor when it was made anew', async () => {
    const changelog = world.topics.changelog.name
    await world.feed(world.input.each(0, objects))
    await runIn('a')
    await admin.deleteTopics({ topics: [changelog] })
    await world.feed(world.input.each(0, 1))
    for (const disk of ['a', 'b']) {
      await expect(appIn(disk).start()).rejects.toMatchObject({
        code: 'TOPIC_MISSING',
        topic: changelog,
        message: expect.stringMatching(/was when group '.*' last committed.*Do not make it by hand.*delete group/),
      })
    }
    const configs = { 'cleanup.policy': 'compact' }
    await world.log.admin.create([{ name: changelog, partitions: 4, replicationFactor: -1, configs }])
    for (const disk of ['a', 'b'])
      await expect(appIn(disk).start()).rejects.toMatchObject({ code: 'TOPIC_MISMATCH', topic: changelog })
  }, 60_000)

  it('does not start on a source that was made anew, until it is told where to begin', async () => {
    const { input } = world.topics
    await world.feed(world.input.each(0, objects))
    await runIn('a')
    await admin.deleteTopics({ topics: [input.name] })
    await world.log.admin.create([{ name: input.name, partitions: 4, replicationFactor: -1, configs: {} }])
    await world.feed(world.input.each(0, objects))
    const app = appIn('a')
    await expect(app.start()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      topic: input.name,
      message: expect.stringMatching(/was deleted and made anew.*--reset-offsets --to-earliest --execute/),
    })
    await app.close()
    await setToStart(input.name)
    await expectExactlyOnce(world, (await runIn('a')).state)
  }, 60_000)

  it('stops when a source is made anew while it runs, although that has more records at once than the old one had', async () => {
    const { input } = world.topics
    const app = appIn('a')
    await app.start()
    await world.feed(world.input.each(0, objects))
    await app.drained()
    const { records } = app.stats()
    await admin.deleteTopics({ topics: [input.name] })
    await world.log.admin.create([{ name: input.name, partitions: 4, replicationFactor: -1, configs: {} }])
    await world.feed(world.input.each(0, 5 * objects))
    await expect(app.closed()).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      topic: input.name,
      message: expect.stringMatching(/was deleted and made anew since group/),
    })
    expect(app.stats().records).toBe(records)
  }, 60_000)

  it('stops with an error that names the topic when one of its own, a source or a target is deleted while it runs', async () => {
    const deletions = (['changelog', 'inbox', 'input', 'updates'] as const).map(async (which) => {
      const one = await World.open(brokers)
      worlds.push(one)
      const { input, inbox, updates, changelog } = one.topics
      const topic = { input: input.name, inbox, updates: updates.name, changelog: changelog.name }[which]
      const app = appIn(which, { of: one })
      await app.start()
      await one.feed(one.input.each(0, objects))
      await app.drained()
      await admin.deleteTopics({ topics: [topic] })
      if (which !== 'input') await one.feed(one.input.each(0, objects))
      const said = {
        changelog: /was deleted while the app ran: the state that was in it is gone. Do not make it by hand/,
        inbox: /was deleted while the app ran: records on their way to their objects were in it and are lost/,
        input: /does not exist. Create the topic./,
        updates: /does not exist. Create the topic./,
      }[which]
      await expect(app.closed()).rejects.toMatchObject({
        code: 'TOPIC_MISSING',
        topic,
        message: expect.stringMatching(said),
      })
    })
    await Promise.all(deletions)
  }, 60_000)

  it('does not start on a source that is not there', async () => {
    await admin.deleteTopics({ topics: [world.topics.input.name] })
    await expect(appIn('a', { createTopics: false }).start()).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: `topic '${world.topics.input.name}' does not exist. Create it, or set createTopics: true (development).`,
    })
  }, 20_000)

  it('does not start on an internal topic that has other partitions than its state', async () => {
    const { inbox } = world.topics
    await world.log.admin.create([{ name: inbox, partitions: 3, replicationFactor: -1, configs: {} }])
    await expect(appIn('a').start()).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      topic: inbox,
      message: expect.stringMatching(/has 3 partitions, the app's state has 4.*delete the app's internal topics/),
    })
  }, 20_000)

  it('does not start on a changelog that deletes old records', async () => {
    const changelog = world.topics.changelog.name
    const configs = { 'cleanup.policy': 'compact,delete' }
    await world.log.admin.create([{ name: changelog, partitions: 4, replicationFactor: -1, configs }])
    await expect(appIn('a').start()).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      topic: changelog,
      message: expect.stringMatching(/needs cleanup.policy=compact.*Correct it with kafka-configs/),
    })
  }, 20_000)
})
