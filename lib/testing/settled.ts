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
