import { rm } from 'node:fs/promises'
import type { Instance } from '../fleet.js'
import type { ChaosWorld } from '../world.js'

/**
 * Starts a process with the state it has in its directory, with none, or with what another left in another directory,
 * which it may have to share with a living one. Says which.
 */
export async function startAgain(world: ChaosWorld): Promise<{ readonly instance: Instance | undefined; how: string }> {
  const { fleet, random } = world
  const seat = fleet.freeSeats[0]
  if (seat === undefined) return { instance: undefined, how: 'no free seat' }
  const own = fleet.directoryOf(seat)
  const draw = random.between(1, 10)
  if (draw <= 2 && !fleet.isInUse(own)) {
    await rm(own, { recursive: true, force: true })
    return { instance: world.startOne(), how: 'without state' }
  }
  if (draw <= 5) {
    const directory = random.pick(fleet.directories)
    const how =
      directory === own ? 'with state' : fleet.isInUse(directory) ? 'in a shared directory' : 'with state of another'
    return { instance: world.startOne({ directory }), how }
  }
  return { instance: world.startOne(), how: 'with state' }
}

/** Starts processes until there are as many as there should be. */
export async function fillUp(world: ChaosWorld): Promise<string> {
  const hows: string[] = []
  while (world.fleet.alive.length < world.target) {
    const { instance, how } = await startAgain(world)
    if (instance === undefined) break
    hows.push(how)
  }
  return hows.join(', ')
}
