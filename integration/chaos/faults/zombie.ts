import type { Instance } from '../fleet.js'
import { sleep, until } from '../waiting.js'
import type { ChaosWorld } from '../world.js'
import type { Fault } from './fault.js'
import { fillUp } from './restart.js'

const rejoinPatienceMs = 60_000
/** A heartbeat is due after a tenth of the session time-out. */
const tellPatienceMs = 8_000

/** `longerMs`: beyond the session time-out, in which the others find out. */
const frozen = (name: string, weight: number, count: number, longerMs: readonly [number, number]): Fault => ({
  family: 'zombie',
  name,
  weight,
  fits: (world) => world.ready.length > 0,
  async run(world) {
    const { random, fleet, options } = world
    const victims = random.some(world.ready, count)
    for (const victim of victims) fleet.freeze(victim)
    const forMs = options.sessionTimeoutMs + random.between(...longerMs)
    await sleep(forMs)
    world.counters.zombies += victims.length
    const before = new Map(victims.map(({ name, process }) => [name, process.errors.length]))
    for (const victim of victims) fleet.thaw(victim)
    const names = victims.map((victim) => victim.name).join(', ')
    // Some die while they find out what happened to them.
    if (random.chance(0.2)) {
      await sleep(random.between(0, 500))
      const [dead] = victims as [Instance]
      world.counters.kills++
      await fleet.kill(dead)
      return `SIGSTOP of ${names} for ${forMs} ms, then kill -9 of ${dead.name}; started ${await fillUp(world)}`
    }
    for (const victim of victims) await untilRejoined(world, victim, before.get(victim.name) ?? 0)
    return `SIGSTOP of ${names} for ${forMs} ms`
  },
})

/**
 * It says what happened to it, and is ready after that. Where the broker was too busy to notice that it was silent there is
 * nothing to say.
 */
async function untilRejoined(world: ChaosWorld, { name, process }: Instance, before: number): Promise<void> {
  const hasSaid = (): boolean => /no longer a member|a commit was not made/.test(process.errors.slice(before))
  const end = performance.now() + tellPatienceMs
  while (!hasSaid() && !process.hasEnded && performance.now() < end) await sleep(20)
  if (hasSaid()) world.counters.zombiesToldSo++
  const { last } = process
  const isBack = (): boolean => process.hasEnded || (process.last !== last && process.last?.health.ready === true)
  const what = (): string => `instance ${name} to be ready again after SIGCONT:\n${world.fleet.report()}`
  await until(rejoinPatienceMs, what, isBack)
}

export const zombieFaults: readonly Fault[] = [
  frozen('zombie', 3, 1, [500, 5_000]),
  frozen('zombies', 1, 2, [500, 5_000]),
  // Inboxes are trimmed every 30 s: what it would read next has been deleted meanwhile.
  {
    ...frozen('long-zombie', 0.4, 1, [35_000, 40_000]),
    fits: (world) => world.ready.length > 1 && world.options.minutes >= 4,
  },
]
