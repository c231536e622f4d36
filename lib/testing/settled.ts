import { drained } from '../runtime/drain.js'
import type { Engine } from '../runtime/engine.js'

/** Everything is processed, committed and stored, and nothing was done to states by anybody but turns. */
export async function settled(engine: Engine): Promise<void> {
  await quiet(engine)
  await engine.parts.lookups.caughtUp()
  await flushed(engine)
  engine.parts.passage.turns.lookAtStates()
}

/** All is processed, also what the app has sent to topics that it reads itself. */
async function quiet(engine: Engine): Promise<void> {
  let before: number
  do {
    before = engine.stats.records
    // What inputs read that pause stays where it is until the clock is moved.
    await drained(engine, (topic) => engine.parts.breakers.topics.has(topic))
  } while (engine.stats.records > before)
}

/** Writes everything committed to the local stores now, so that the next death finds them up to date. */
async function flushed({ parts }: Engine): Promise<void> {
  for (const { state } of parts.tasks.running.values()) await state?.flush()
}

/** When something is due by the clock, later than `nowMs` and before `toMs`; undefined when nothing is. Ask it when all has settled. */
export async function nextDue({ parts }: Engine, nowMs: number, toMs: number): Promise<number | undefined> {
  const look = parts.breakers.nextLook(nowMs)
  let next = look < toMs ? look : undefined
  for (const { state } of parts.tasks.running.values()) {
    if (state === undefined) continue
    for (const time of ['processing', 'prompt'] as const)
      for await (const { dueMs } of state.due(time, nowMs + 1, next ?? toMs, 1)) next = dueMs
  }
  return next
}
