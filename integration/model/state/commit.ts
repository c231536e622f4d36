import type { Mark, Saying } from './event-time.js'
import type { Input, Transaction } from './log.js'
import type { Key, ObjectState } from './objects.js'
import type { Output, SourceRecord } from './records.js'
import type { Task } from './task.js'

/** What a commit holds of one task. */
export interface Part {
  readonly task: Task
  readonly changes: Map<Key, ObjectState | null>
  readonly outputs: Output[]
  readonly hops: { readonly to: number; readonly record: SourceRecord }[]
  /** Set when sealed. */
  positions: readonly number[]
  mark: Mark | undefined
  sayings: readonly Saying[]
  /** Behind its append to the changelog. */
  end: number
}

/** A buffer: the one that is filled, and, once sealed, the one under way. */
export interface Commit {
  readonly parts: Map<number, Part>
  /** Which tasks records crossed between. */
  readonly links: [number, number][]
  /** The records, and undefined for each timer, that it is made of, as they were taken. */
  readonly taken: (SourceRecord | undefined)[]
  /** Turns that ended in it and were begun before it: none of `taken`. */
  landed: number
  tx: Transaction | undefined
  /** Produce requests not yet sent. */
  sends: (() => string | undefined)[]
  offsets: ReadonlyMap<Input, number>
  /** The broker has accepted the offsets. */
  accepted: boolean
  /** The offsets were refused for their generation: it waits for the assignment. */
  refused: boolean
  /** EndTxn was sent; its answer comes later. */
  ended: boolean
}

export function newCommit(): Commit {
  return {
    parts: new Map(),
    links: [],
    taken: [],
    landed: 0,
    tx: undefined,
    sends: [],
    offsets: new Map(),
    accepted: false,
    refused: false,
    ended: false,
  }
}
