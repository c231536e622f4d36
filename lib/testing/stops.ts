import type { Engine } from '../runtime/engine.js'

/** A partition that gives nothing for so long holds no window open any more (docs/windows.md). */
const silentMs = 5_000

/** Where the clock stops on its way: wherever something is due, and when partitions have been silent for long enough. */
export class Stops {
  #records = -1
  #silentAt = Infinity

  /** The first one later than `nowMs` and before `toMs`; undefined when there is none. Ask it when all has settled. */
  async next(engine: Engine, nowMs: number, toMs: number): Promise<number | undefined> {
    const { records } = engine.stats
    if (records !== this.#records && goesByEventTime(engine)) {
      this.#records = records
      this.#silentAt = nowMs + silentMs
    }
    const due = await nextDue(engine, nowMs, toMs)
    return this.#silentAt > nowMs && this.#silentAt < (due ?? toMs) ? this.#silentAt : due
  }
}

function goesByEventTime({ parts }: Engine): boolean {
  for (const { agenda } of parts.tasks.running.values())
    if (agenda?.lanes.some(({ stream }) => stream !== undefined) === true) return true
  return false
}

async function nextDue({ parts }: Engine, nowMs: number, toMs: number): Promise<number | undefined> {
  const look = parts.breakers.nextLook(nowMs)
  // The clock never goes back.
  let next = look > nowMs && look < toMs ? look : undefined
  for (const { state } of parts.tasks.running.values()) {
    if (state === undefined) continue
    for (const time of ['processing', 'prompt'] as const)
      for await (const { dueMs } of state.due(time, nowMs + 1, next ?? toMs, 1)) next = dueMs
  }
  return next
}
