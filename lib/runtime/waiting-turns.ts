import { heldAtMs, rowKind, type Row } from '../turn/kept/row.js'
import { Waiting } from '../turn/kept/waiting.js'
import type { Engine } from './engine.js'

/** Turns of the tasks that run here that wait for their next attempt, or behind one that does, as last committed. */
export async function waitingTurns(engine: Engine): Promise<number> {
  let count = 0
  // A copy: tasks may come and go meanwhile.
  for (const { state, agenda } of Array.from(engine.parts.tasks.running.values())) {
    // Throws what stopped the engine meanwhile: of tasks that were given up for that nothing is known.
    void engine.parts
    if (state === undefined || agenda === undefined) continue
    await state.flush()
    for await (const { kind, key } of state.due('processing', heldAtMs, heldAtMs + 1)) {
      if (kind !== rowKind) continue
      const entry = agenda.rowOf(key)
      const row = entry.state as Row | undefined
      if (row?.retry !== undefined) count += new Waiting(row, agenda.partsOf(entry)).count
    }
  }
  return count
}
