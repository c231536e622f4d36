import { expectExactlyOnce, expectSettled } from './oracle/check.js'
import type { OracleProcess } from './oracle/child.js'
import { rawRecords } from './oracle/raw-batches.js'
import { World } from './oracle/world.js'
import { describeWithKafka } from './setup/with-kafka.js'

/** Fed while a process is waited for, so that there is work however fast it is done. */
const chunk = 5_000
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

      await killAtWork(world, second)
      const third = world.start({ commitIntervalMs }, 'c')
      await killAtWork(world, third)
      await killAtWork(world, first)
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
      console.log(
        [...figures, `${raw.records - world.input.records} updates aborted, of ${raw.aborted.size} processes`].join(
          '\n',
        ),
      )
      expect(Math.min(fourth.objects.size, fifth.objects.size)).toBeGreaterThan(0)
      await expectExactlyOnce(world, new Map([...fourth.objects, ...fifth.objects]))
      await expectSettled(world)
    } finally {
      await world.close()
    }
  }, 120_000)
})

/** Kills a process that has made some commits and has more to do; gives it work until then. */
async function killAtWork(world: World, one: OracleProcess): Promise<void> {
  const { commits = 0 } = one.last?.stats ?? {}
  const isAtWork = (): boolean =>
    one.last !== undefined && one.last.stats.commits >= commits + 3 && one.last.health.lag > 0
  let isKilled = false
  const killing = one.until(isAtWork).then(async () => {
    await one.kill()
    isKilled = true
  })
  while (!isKilled) await world.feed(world.input.mixed(chunk, objects))
  await killing
}
