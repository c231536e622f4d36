import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import { changelogRecords, compactEagerly } from './oracle/compaction.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 5_000

describeWithKafka('an app that is started again', (brokers) => {
  let world: World

  beforeEach(async () => {
    world = await World.open(brokers)
    await world.feed(world.input.each(0, objects))
    await world.feed(world.input.mixed(2 * objects, objects))
    const first = world.start({ untilDrained: true })
    await first.finished()
    await expectExactlyOnce(world, first.objects)
  }, 60_000)
  afterEach(() => world.close())

  it('restores nothing after a clean stop: its state is where it left it', async () => {
    await world.feed(world.input.mixed(objects, objects))
    const second = world.start({ untilDrained: true })
    await second.finished()
    expect(second.done?.stats).toMatchObject({ restoredRecords: 0, rollbacks: 0 })
    await expectExactlyOnce(world, second.objects)
    await expectSettled(world)
  }, 60_000)

  it('restores after a kill no more than was written since its store was last closed', async () => {
    const before = await changelogRecords(world)
    const killed = world.start({ instanceId: 'one' })
    await world.feed(world.input.each(0, 200))
    await killed.until(() => killed.ready !== undefined)
    await world.allCommitted(killed)
    await killed.kill()
    const missed = (await changelogRecords(world)) - before

    await world.feed(world.input.each(0, 100))
    const second = world.start({ instanceId: 'one', untilDrained: true })
    await second.finished()
    // Each of the 200 objects was written once, or as often as commits cut their records apart.
    expect(missed).toBe(200)
    expect(second.done!.stats.restoredRecords).toBeLessThanOrEqual(missed)
    await expectExactlyOnce(world, second.objects)
    await expectSettled(world)
  }, 60_000)

  it('restores every object when its directory is gone', async () => {
    const written = await changelogRecords(world)
    await world.forget()
    await world.feed(world.input.mixed(100, objects))
    const second = world.start({ untilDrained: true })
    await second.finished()
    expect(second.done!.stats.restoredRecords).toBe(written)
    expect(written).toBeGreaterThanOrEqual(objects)
    await expectExactlyOnce(world, second.objects)
    await expectSettled(world)
  }, 60_000)

  it('restores every object from a changelog that the broker has compacted', async () => {
    await compactEagerly(brokers, world.topics.changelog.name)
    const worker = world.start()
    await worker.until(() => worker.ready !== undefined)
    let written = await changelogRecords(world)
    // Only closed segments are compacted, and a segment is closed by the next append; so appending goes on.
    for (let round = 1; round <= 10 || (await changelogRecords(world)) >= written / 2; round++) {
      await world.feed(world.input.each(0, 500))
      await world.allCommitted(worker)
      written += 500
    }
    await worker.stop()

    const left = await changelogRecords(world)
    await world.forget()
    const second = world.start({ untilDrained: true })
    await second.finished()
    console.log(`changelog: ${written} records written, ${left} left, ${second.done!.stats.restoredRecords} restored`)
    expect(second.done!.stats.restoredRecords).toBeLessThan(written / 2)
    expect(second.done!.stats.restoredRecords).toBeGreaterThanOrEqual(objects)
    await expectExactlyOnce(world, second.objects)
    await expectSettled(world)
  }, 60_000)
})
