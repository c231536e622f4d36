import { Kafka, logLevel } from 'kafkajs'
import { offsetOf } from '../lib/core/record.js'
import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import type { Numbered } from './oracle/input.js'
import { partitions } from './oracle/program.js'
import { hasHeard } from './oracle/standing.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 2_000
const grown = partitions + 3

describeWithKafka('a source that gains partitions while it is read', (brokers) => {
  let world: World

  beforeEach(async () => {
    world = await World.open(brokers)
  })
  afterEach(() => world.close())

  it('loses and doubles nothing, whether a process is there already, joins or takes over', async () => {
    const processes = [world.start({}, 'a'), world.start({}, 'b')]
    const [first, second] = processes as [OracleProcess, OracleProcess]
    await Promise.all(processes.map((one) => one.until(() => one.ready !== undefined)))

    // One producer goes on to write to the partitions it knew when it began, as real ones do for minutes.
    let growing = true
    async function* old(): AsyncGenerator<Numbered> {
      while (growing) {
        yield* world.input.mixed(200, objects)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    const feeding = world.feed(old())
    await first.until(() => (first.last?.stats.commits ?? 0) > 3)
    await addPartitions(brokers, world.topics.input.name)
    // Other objects, so that each object's records are in one partition and have an order.
    await world.feed(world.input.each(objects, 2 * objects))
    await second.until(() => (second.last?.stats.commits ?? 0) > 3)
    await newPartitionsCommitted(world, second)

    await first.kill()
    await world.feed(world.input.each(objects, 2 * objects))
    growing = false
    await feeding
    const third = world.start({}, 'c')
    await third.until(() => third.ready !== undefined)
    await world.allCommitted(third)
    await newPartitionsCommitted(world, third)
    await world.allCommitted(third)
    await Promise.all([second, third].map(hasHeard))
    await Promise.all([second.stop(), third.stop()])
    expect(second.objects.size + third.objects.size).toBe(2 * objects)
    await expectExactlyOnce(world, new Map([...second.objects, ...third.objects]))
    await expectSettled(world)
  }, 120_000)
})

async function addPartitions(brokers: readonly string[], topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.createPartitions({ topicPartitions: [{ topic, count: grown }] })
  } finally {
    await admin.disconnect()
  }
}

/** Resolves when what the new partitions hold now has been read and committed, and there is something in each. */
async function newPartitionsCommitted(world: World, by: OracleProcess): Promise<void> {
  const topic = world.topics.input.name
  const added = Array.from({ length: grown - partitions }, (_, i) => ({ topic, partition: partitions + i }))
  const ends = await world.log.admin.endOffsets(added, 'all')
  for (const { partition } of added) expect(offsetOf(ends, topic, partition)).toBeGreaterThan(0)
  for (;;) {
    const committed = await world.log.admin.stableCommitted(world.app, added)
    const isDone = added.every(
      ({ partition }) => (offsetOf(committed, topic, partition) ?? 0) >= (offsetOf(ends, topic, partition) ?? 0),
    )
    if (isDone) return
    const { last } = by
    await by.until(() => by.last !== last)
  }
}
