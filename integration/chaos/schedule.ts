import { checkpoint } from './checkpoint.js'
import { setChangelog } from './topic-admin.js'
import { faultsOf } from './faults/index.js'
import { sleep, until, within } from './waiting.js'
import type { ChaosWorld } from './world.js'

/** More than any fault may take with all it waits for. */
const faultPatienceMs = 240_000
const startPatienceMs = 60_000
/** Without any work for so long the next fault comes all the same. */
const workPatienceMs = 15_000
/** What takes longer says so. */
const stillEveryMs = 10_000
/** At most so long between two checkpoints, which tell when something went wrong that no record shows. */
const checkpointEveryMs = 60_000

export interface Running {
  /** What is being done now, for the report of a failure. */
  doing: string
}

/** Faults, one after the other, until the time is over; then a last checkpoint. Rejects with what went wrong. */
export async function runSchedule(
  world: ChaosWorld,
  endAt: number,
  running: Running,
  say: (what: string) => void,
): Promise<void> {
  const { feeder, follower, fleet, random, options } = world
  const guarded = async <T>(doing: string, ms: number, work: Promise<T>): Promise<T> => {
    running.doing = doing
    const still = setInterval(() => say(`… ${doing}`), stillEveryMs)
    try {
      return await Promise.race([within(ms, doing, work), world.failed])
    } finally {
      clearInterval(still)
    }
  }

  // The first one makes the topics of the app.
  world.startOne()
  await guarded(
    'start',
    startPatienceMs,
    until(
      startPatienceMs,
      () => fleet.report(),
      () => world.ready.length === 1,
    ),
  )
  await setChangelog(world.brokers.addresses, world.topics.changelog.name, 'as it should be')
  follower.start()
  feeder.start()
  while (fleet.alive.length < world.target) world.startOne()
  say(`started with seed ${options.seed}`)

  const faults = faultsOf(options)
  let checkedAt = performance.now()
  while (performance.now() < endAt) {
    const fitting = faults.filter(({ fits }) => fits?.(world) ?? true)
    if (fitting.length > 0) {
      const fault = random.weighted(fitting)
      say(await guarded(fault.name, faultPatienceMs, fault.run(world)))
    }
    await guarded('a pause', faultPatienceMs, pause(world))
    if (performance.now() - checkedAt < checkpointEveryMs) continue
    await guarded('checkpoint', faultPatienceMs, checkpoint(world))
    say('checkpoint: all committed, all states as they should be')
    checkedAt = performance.now()
    feeder.start()
  }
  await guarded('last checkpoint', faultPatienceMs, checkpoint(world))
  say('last checkpoint: all committed, all states as they should be')
  // Timers that were set by the last records.
  if (world.options.trouble > 0) await sleep(3_000)
  for (const instance of fleet.alive) await guarded(`stop of ${instance.name}`, faultPatienceMs, fleet.stop(instance))
}

/**
 * Some faults follow at once on others; most come when there is work again, so that they hit open transactions, however
 * fast the machine is.
 */
async function pause({ random, follower, options }: ChaosWorld): Promise<void> {
  await sleep(random.pick([0, 0, 300, 1_000, 2_000]))
  if (random.chance(0.3)) return
  const enough = follower.updates + random.between(1, options.rate)
  const end = performance.now() + workPatienceMs
  while (follower.updates < enough && performance.now() < end) await sleep(10)
}
