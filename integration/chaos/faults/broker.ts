import { sleep, within } from '../waiting.js'
import type { Fault } from './fault.js'

const startPatienceMs = 90_000

export const brokerFaults: readonly Fault[] = [
  {
    family: 'broker',
    name: 'broker-kill',
    weight: 2,
    async run(world) {
      const { random, brokers } = world
      const node = random.pick(brokers.nodes)
      const downMs = random.pick([0, 0, 1_000, 4_000])
      world.counters.brokerRestarts++
      await brokers.kill(node)
      await sleep(downMs)
      const began = performance.now()
      await within(startPatienceMs, `broker ${node} to serve again`, brokers.start(node))
      const tookMs = Math.round(performance.now() - began)
      return `kill -9 of broker ${node}, down for ${downMs} ms and ${tookMs} ms of starting`
    },
  },
]
