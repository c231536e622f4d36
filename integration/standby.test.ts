import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { changelogRecords } from './oracle/compaction.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const objects = 5_000

const applied = (one: OracleProcess): number => one.last?.stats.standbyRecords ?? 0
const restored = (one: OracleProcess): number => one.last?.stats.restoredRecords ?? 0

describeWithKafka('a standby', (brokers) => {
  let world: World

  beforeEach(async () => {
    world = await World.open(brokers)
  })
  afterEach(() => world.close())

  /** A process on a disk of its own, with its first tasks. */
  async function started(directory: string): Promise<OracleProcess> {
    const one = world.start({ standbyReplicas: 1 }, directory)
    await one.until(() => one.ready !== undefined)
    return one
  }

  /** Every changelog record has been applied on another disk than its owner's. */
  async function allCopied(...processes: readonly OracleProcess[]): Promise<number> {
    const written = await changelogRecords(world)
    const [some] = processes as [OracleProcess]
    await some.until(() => processes.reduce((sum, one) => sum + applied(one), 0) >= written)
    return written
  }

  it('takes over after a kill having restored only the tail, and what is lost moves on', async () => {
    const first = await started('a')
    const second = await started('b')
    await world.feed(world.input.each(0, objects))
    await world.allCommitted(second)
    const written = await allCopied(second, first)

    // Killed at work, so that there is a tail.
    await world.feed(world.input.mixed(objects, objects))
    await first.until(() => first.last!.health.lag > 0 && first.last!.stats.commits > 3)
    const before = restored(second)
    await first.kill()
    const third = await started('c')
    await world.feed(world.input.mixed(objects, objects))
    await world.allCommitted(third)
    const tail = restored(second) - before
    console.log(`of ${written} changelog records and those since, the survivor restored ${tail}`)
    expect(first.last!.stats.turns).toBeGreaterThan(0)
    expect(tail).toBeLessThan(written / 5)

    // The third has got standbys, and is all that is left.
    const all = await changelogRecords(world)
    await third.until(() => applied(third) + restored(third) >= all / 2)
    await second.kill()
    await world.feed(world.input.each(0, objects))
    await world.allCommitted(third)
    // A busy machine can make it miss its session meanwhile; then it lists its objects when it has its tasks again.
    await third.until(() => third.last!.health.ready)
    await third.stop()
    await expectExactlyOnce(world, third.objects)
    await expectSettled(world)
  }, 120_000)

  it('is kept where a task ran that moved on, without reading it again', async () => {
    const first = await started('a')
    await world.feed(world.input.each(0, objects))
    await world.allCommitted(first)
    const second = await started('b')
    await world.feed(world.input.each(0, 200))
    await world.allCommitted(second)
    // What the first owned until now is on its disk; of the second's disk, half is restored and half follows.
    await second.until(() => restored(second) + applied(second) >= objects)
    await first.until(() => applied(first) > 0)
    expect(applied(first)).toBeLessThanOrEqual(200)
    expect(restored(first)).toBe(0)
    await Promise.all([first.stop(), second.stop()])
    await expectExactlyOnce(world, new Map([...first.objects, ...second.objects]))
    await expectSettled(world)
  }, 60_000)
})
