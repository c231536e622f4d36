import type { ChaosOptions } from '../options.js'
import { brokerFaults } from './broker.js'
import { diskFaults } from './disk.js'
import type { Fault } from './fault.js'
import { growthFaults } from './growth.js'
import { killFaults } from './kill.js'
import { networkFaults } from './network.js'
import { scaleFaults } from './scale.js'
import { topicFaults } from './topic.js'
import { zombieFaults } from './zombie.js'

const all: readonly Fault[] = [
  killFaults,
  zombieFaults,
  scaleFaults,
  brokerFaults,
  networkFaults,
  diskFaults,
  topicFaults,
  growthFaults,
].flat()

export function faultsOf({ faults, without }: ChaosOptions): readonly Fault[] {
  return all.filter(({ family, name }) => faults.includes(family) && !without.includes(name))
}
