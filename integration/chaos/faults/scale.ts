import { sleep } from '../waiting.js'
import type { Fault } from './fault.js'
import { startAgain } from './restart.js'

const steps = [3, 2, 4, 1] as const

/** 1 → 3 → 2 → 4 → 1 → …, up by starting, down by a clean stop or by kill -9. One step each time. */
export const scaleFaults: readonly Fault[] = [
  {
    family: 'scale',
    name: 'scale',
    weight: 4,
    async run(world) {
      const { random, fleet, counters, options } = world
      const before = fleet.alive.length
      world.target = Math.min(steps[++counters.scaleSteps % steps.length] as number, options.instances)
      const hows: string[] = []
      while (fleet.alive.length < world.target) {
        const { instance, how } = await startAgain(world)
        if (instance === undefined) break
        hows.push(how)
        await sleep(random.pick([0, 0, 500, 2_000]))
      }
      while (fleet.alive.length > world.target) {
        const leaver = random.pick(fleet.alive)
        const isClean = random.chance(0.7)
        if (!isClean) counters.kills++
        hows.push(isClean ? `SIGTERM to ${leaver.name}` : `kill -9 of ${leaver.name}`)
        await (isClean ? fleet.stop(leaver) : fleet.kill(leaver))
      }
      return `scale ${before} → ${world.target}: ${hows.join(', ')}`
    },
  },
]
