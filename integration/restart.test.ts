import { randomBytes } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
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

  it.each(['killed', 'stopped'])(
    'takes over the stores of a process that was %s beside it, and reads only what they miss',
    async (how) => {
      const survivor = world.start()
      await survivor.until(() => survivor.ready !== undefined)
      const other = world.start()
      await other.until(() => other.ready !== undefined)
      const before = await changelogRecords(world)
      await world.feed(world.input.each(0, 200))
      await world.allCommitted(survivor)
      const turns = other.last?.stats.turns ?? 0
      const { restoredRecords } = survivor.last!.stats
      await (how === 'killed' ? other.kill() : other.stop())
      // A clean stop leaves nothing to be read again.
      const missed = how === 'killed' ? (await changelogRecords(world)) - before : 0

      await world.feed(world.input.each(0, objects))
      await world.allCommitted(survivor)
      const restored = survivor.last!.stats.restoredRecords - restoredRecords
      await survivor.stop()
      console.log(`the ${how} process had ${turns} turns; ${restored} changelog records read after its end`)
      expect(turns).toBeGreaterThan(0)
      expect(restored).toBeLessThanOrEqual(missed)
      await expectExactlyOnce(world, survivor.objects)
      await expectSettled(world)
    },
    60_000,
  )

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

  it('ends when it reads damaged files while it runs, and has the right state after the next start', async () => {
    const worker = world.start()
    await worker.until(() => worker.ready !== undefined)
    await overwriteTables(join(world.directoryOf(), world.app, 'slot-0'))
    await world.feed(world.input.each(0, objects))
    await expect(worker.until(() => false)).rejects.toThrow(/ended/)
    console.log(
      `what was seen: ${/"(STORE_DAMAGED|VALUE_INVALID|STORE_FAILED)"/.exec(worker.errors)?.[1] ?? 'a crash'}`,
    )

    const second = world.start({ untilDrained: true })
    await second.finished()
    expect(second.errors).toMatch(/discarded and restored/)
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

/** Puts noise in place of all table files below a slot, in the files themselves: they may be open. */
async function overwriteTables(slot: string): Promise<void> {
  for (const name of await readdir(slot, { recursive: true })) {
    if (!name.endsWith('.ldb')) continue
    const file = await open(join(slot, name), 'r+')
    const { size } = await file.stat()
    await file.write(randomBytes(size), 0, size, 0)
    await file.close()
  }
}
