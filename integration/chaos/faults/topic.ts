import { allPartitions, type Positions } from '../../../lib/core/record.js'
import type { LogPort } from '../../../lib/log/port.js'
import { setChangelog } from '../topic-admin.js'
import { until } from '../waiting.js'
import type { Fault } from './fault.js'
import { fillUp } from './restart.js'

const patienceMs = 90_000

/**
 * Deletes the records of the changelog up to a point from which every object has been written again, so that nothing that
 * counts is deleted. A process that was away since before that point finds a changelog that begins after its position.
 */
export const topicFaults: readonly Fault[] = [
  {
    family: 'topic',
    name: 'truncate-changelog',
    weight: 1,
    async run(world) {
      const { random, fleet, feeder, follower, input, log, brokers, options } = world
      const { changelog } = world.topics
      const [victim] = random.some(fleet.alive, fleet.alive.length > 1 ? 1 : 0)
      if (victim !== undefined) {
        world.counters.kills++
        await fleet.kill(victim)
      }
      await feeder.pause()
      const ends = await log.admin.endOffsets(allPartitions(changelog.name, options.partitions), 'all')
      await feeder.feed(input.each(0, feeder.objects))
      const isDone = (): boolean => follower.updates === input.records
      await until(patienceMs, () => `an update for each of ${input.records} records:\n${fleet.report()}`, isDone)
      await setChangelog(brokers.addresses, changelog.name, 'truncatable')
      try {
        await until(
          10_000,
          () => 'all brokers to know that it may be cut off',
          () => trimmed(log, ends),
        )
      } finally {
        await setChangelog(brokers.addresses, changelog.name, 'as it should be')
      }
      world.counters.topicFaults++
      feeder.start()
      await fillUp(world)
      return `changelog cut off below ${JSON.stringify([...(ends.get(changelog.name) ?? [])])}; ${victim?.name ?? 'nobody'} was away`
    },
  },
]

/** Of several brokers one may not have heard yet that the topic may be cut off. */
async function trimmed(log: LogPort, ends: Positions): Promise<boolean> {
  try {
    await log.admin.trim(ends)
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('POLICY_VIOLATION')) return false
    throw error
  }
}
