import type { ChaosWorld } from './world.js'

/** One line on stderr: when, what happened, and how far everything is. */
export function progressTo(world: ChaosWorld, startedAt: number): (what: string) => void {
  return (what) => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)
    const { alive } = world.fleet
    const frozen = alive.filter(({ isFrozen }) => isFrozen).length
    const instances = `${world.ready.length}/${alive.length} ready${frozen > 0 ? `, ${frozen} frozen` : ''}`
    const flow = `${world.feeder.produced} in, ${world.follower.updates} out`
    process.stderr.write(`${seconds}s  ${what.padEnd(72)}  ${instances} · ${flow}\n`)
  }
}
