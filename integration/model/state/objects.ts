import type { Key } from './key.js'
import type { SourceRecord } from './records.js'

export type { Key } from './key.js'

/**
 * What an object is: how many turns it had; the timer that is set, 0 when none is; whether it is in quarantine; the records whose
 * turns are kept in rows, in order. Never changed in place.
 */
export interface ObjectState {
  readonly count: number
  readonly timer: number
  readonly quarantined: boolean
  readonly waiting: readonly SourceRecord[]
}

export const unborn: ObjectState = { count: 0, timer: 0, quarantined: false, waiting: [] }

/** By identity: a state is made once. */
export function same(a: ReadonlyMap<Key, ObjectState>, b: ReadonlyMap<Key, ObjectState>): boolean {
  if (a.size !== b.size) return false
  for (const [key, state] of a) if (b.get(key) !== state) return false
  return true
}

/** A row of the changelog; null is a tombstone. */
export interface Change {
  readonly key: Key
  readonly state: ObjectState | null
  /** The row is not of an object, but says where the task stands in its inputs. */
  readonly positions?: Positions
}

/** By the name of the input. */
export type Positions = ReadonlyMap<string, number>

/** The key of the row that says where a task stands; no object has it. */
export const positionsKey = (task: number): Key => -1 - task

/** Nothing is kept of an object of which nothing is left. */
export function emptied(state: ObjectState): ObjectState | null {
  const { count, timer, quarantined, waiting } = state
  return count === 0 && timer === 0 && !quarantined && waiting.length === 0 ? null : state
}
