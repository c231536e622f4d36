import type { Instance } from '../fleet.js'
import { sleep } from '../waiting.js'
import type { ChaosWorld } from '../world.js'
import type { Fault } from './fault.js'
import { fillUp, startAgain } from './restart.js'

const killAll = async (world: ChaosWorld, victims: readonly Instance[]): Promise<void> => {
  world.counters.kills += victims.length
  await Promise.all(victims.map((victim) => world.fleet.kill(victim)))
}

const names = (instances: readonly Instance[]): string => instances.map(({ name }) => name).join(', ')

/** Kills so many at once and starts others, at once or later. */
const killed = (name: string, weight: number, count: (world: ChaosWorld) => number): Fault => ({
  family: 'kill',
  name,
  weight,
  async run(world) {
    const { random, fleet } = world
    const victims = random.some(fleet.alive, count(world))
    await killAll(world, victims)
    await sleep(random.pick([0, 0, 300, 1_000, 2_500]))
    return `kill -9 of ${names(victims)}; started ${await fillUp(world)}`
  },
})

/** How long after its start a process is at this or that: loading, joining, fencing, opening stores, reading changelogs. */
const startMs = [100, 2_500] as const

export const killFaults: readonly Fault[] = [
  killed('kill-one', 5, () => 1),
  killed('kill-two', 3, () => 2),
  killed('kill-all', 2, (world) => world.fleet.alive.length),
  {
    family: 'kill',
    name: 'kill-during-restore',
    weight: 3,
    async run(world) {
      const { random, fleet } = world
      const [victim] = random.some(fleet.alive, 1)
      if (victim !== undefined) await killAll(world, [victim])
      const { instance, how } = await startAgain(world)
      if (instance === undefined) return 'kill during restore: no free seat'
      const isRestoring = (): boolean => (instance.process.last?.stats.restoredRecords ?? 0) > 0
      const afterMs = random.between(...startMs)
      const end = performance.now() + afterMs
      while (performance.now() < end && !isRestoring()) await sleep(10)
      const at = isRestoring() ? 'while restoring' : `${afterMs} ms after its start`
      await killAll(world, [instance])
      return `kill -9 of ${victim?.name ?? 'none'}, and of ${instance.name} (${how}) ${at}; started ${await fillUp(world)}`
    },
  },
  {
    family: 'kill',
    name: 'kill-during-rebalance',
    weight: 3,
    async run(world) {
      const { random, fleet } = world
      const victims = random.some(fleet.alive, 2)
      const [first, second] = victims
      if (first === undefined) return 'kill during rebalance: nobody there'
      if (second === undefined || random.chance(0.5)) world.startOne()
      else await killAll(world, [second])
      // A round begins when the newcomer has joined, or when the session of the dead ends.
      const afterMs = random.between(0, world.options.sessionTimeoutMs + 500)
      await sleep(afterMs)
      await killAll(world, [first])
      const what =
        second?.isEnding === true ? `${second.name} and ${afterMs} ms later` : `a newcomer comes, ${afterMs} ms later`
      return `${what} kill -9 of ${first.name}; started ${await fillUp(world)}`
    },
  },
]
