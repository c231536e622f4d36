import { setPartitions } from '../topic-admin.js'
import type { Fault } from './fault.js'

/** In a run; each is one more task for good. */
const most = 4

/** A source gains a partition while it is read. */
export const growthFaults: readonly Fault[] = [
  {
    family: 'growth',
    name: 'grow-input',
    weight: 3,
    fits: (world) => world.counters.partitionsAdded < most,
    async run(world) {
      const { brokers, topics, feeder, counters } = world
      const count = feeder.partitions + 1
      await setPartitions(brokers.addresses, topics.input.name, count)
      counters.partitionsAdded++
      await feeder.grown()
      return `${topics.input.name} has ${count} partitions now`
    },
  },
]
