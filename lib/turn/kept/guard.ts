import type { Entry, Table } from '../../state/table.js'
import type { Room } from '../inputs/room.js'

/** What turns of one object must mind. Most objects have none. */
export class Guard {
  /**
   * A turn of this object has failed after it had been changed in the same commit, so all of that commit had to be done
   * again: from then on its state is copied before each turn.
   */
  careful = false
  /**
   * It was refused although each of its turns had left it well: somebody changes it when no turn has it. From then on what a
   * turn leaves is copied, and nobody has what is kept.
   */
  detached = false
  /** An asynchronous turn is under way. */
  busy = false
  /** That turn is kept in the row of the object, and so are those that come behind it. */
  parked = false
  /** The row of its object may say that its turns wait, so it is looked at; of others the store need not be asked. */
  mayHold = false
  /** Turns that wait for it in memory, in order. */
  readonly queue: { readonly room: Room; readonly run: () => void }[] = []
  /** So many turns wait that nothing more of this input is read. */
  crowds: Room | undefined
}

/** Guards that need not be kept are dropped when a table has more than this. */
const kept = 1_000

/** The guard of an object, made when it has none. */
export function guardOf(table: Table, key: string): Guard {
  const known = table.guards.get(key)
  if (known !== undefined) return known as Guard
  const guard = new Guard()
  table.guards.set(key, guard)
  const entry = table.cached(key)
  if (entry !== undefined) entry.guard = guard
  return guard
}

export function guardOfEntry(table: Table, entry: Entry): Guard {
  return (entry.guard as Guard | undefined) ?? guardOf(table, entry.key)
}

/**
 * Drops guards that have become many, oldest first: an object that fails again gets another. Only with no turn under way;
 * `isHeld` says which objects must keep theirs.
 */
export function dropGuards(table: Table, isHeld: (key: string) => boolean): void {
  let many = table.guards.size - kept
  if (many <= 0) return
  for (const [key, guard] of table.guards) {
    if (many-- <= 0) return
    const { busy, mayHold } = guard as Guard
    if (busy || (mayHold && isHeld(key))) continue
    table.guards.delete(key)
    const entry = table.cached(key)
    if (entry !== undefined) entry.guard = undefined
  }
}
