import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { rawRecords } from './oracle/raw-batches.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

const records = 300_000
const objects = 2_000
const commitIntervalMs = 25

describeWithKafka('an app in several processes', (brokers) => {
  it('does everything exactly once while they are killed one by one and others take over', async () => {
    const world = await World.open(brokers)
    try {
      await world.feed(world.input.each(0, objects))
      const processes = [world.start({ commitIntervalMs }, 'a'), world.start({ commitIntervalMs }, 'b')]
      const [first, second] = processes as [OracleProcess, OracleProcess]
      await Promise.all(processes.map((one) => one.until(() => one.ready !== undefined)))
      await world.allCommitted(first)
      await world.feed(world.input.mixed(records - objects, objects))

      await killAtWork(second)
      const third = world.start({ commitIntervalMs }, 'c')
      await killAtWork(third)
      await killAtWork(first)
      const fourth = world.start({ commitIntervalMs }, 'd')
      const fifth = world.start({ commitIntervalMs, instanceId: 'fifth' }, 'b')
      await fifth.until(() => fifth.ready !== undefined)
      await world.allCommitted(fourth)
      // Each lists the objects of its tasks before it gives them to the other.
      await Promise.all([fourth.stop(), fifth.stop()])

      const raw = await rawRecords(world.log, world.partitionsOf(world.topics.updates.name))
      const all = [first, second, third, fourth, fifth]
      const figures = all.map(
        ({ last }) =>
          `${last?.stats.turns} turns, ${last?.stats.rollbacks} rollbacks, ${last?.stats.restoredRecords} restored`,
      )
      console.log([...figures, `${raw.records - records} updates aborted, of ${raw.aborted.size} processes`].join('\n'))
      expect(Math.min(fourth.objects.size, fifth.objects.size)).toBeGreaterThan(0)
      await expectExactlyOnce(world, new Map([...fourth.objects, ...fifth.objects]))
      await expectSettled(world)
    } finally {
      await world.close()
    }
  }, 120_000)
})

/** Kills a process that has made some commits and has more to do. */
async function killAtWork(one: OracleProcess): Promise<void> {
  const { commits = 0 } = one.last?.stats ?? {}
  await one.until(() => one.last !== undefined && one.last.stats.commits >= commits + 3 && one.last.health.lag > 0)
  await one.kill()
}
