import type { Mark } from './event-time.js'
import type { Change, Key, ObjectState } from './objects.js'
import type { Output, Source, SourceRecord } from './records.js'

export interface Entry<T> {
  readonly tx: Transaction
  readonly at: number
  /** Undefined for a marker. */
  readonly data: T | undefined
  /** A tombstone goes when this has passed; 0 until the cleaner has seen it. */
  horizon: number
}

/** A partition that is written in transactions. The position in `log` is the offset. */
export interface Partition<T> {
  readonly name: string
  /** Compaction leaves holes. */
  readonly log: (Entry<T> | undefined)[]
  /** What was ever appended; only checks read it. */
  readonly full: Entry<T>[]
  /** Transactions without a marker here, and where they begin. */
  open: { readonly tx: Transaction; readonly first: number }[]
  /** Below this, records were deleted. */
  start: number
}

/** A process as the broker sees it: one producer at a time. */
export interface Client {
  readonly id: number
  /** Tells one producer from another. */
  producer: number
  fenced: boolean
  lastTx: Transaction | undefined
}

/**
 * A transaction of the broker. After the decision the markers arrive one partition at a time, in any order, the one on the
 * offsets among them: so offsets can be stable while an inbox is still below its last stable offset, and the reverse.
 */
export interface Transaction {
  readonly id: number
  readonly process: Client
  /** The producer it was opened by: a process may have had several. */
  readonly producer: number
  state: 'open' | 'committed' | 'aborted'
  readonly partitions: Set<Partition<never>>
  readonly outputs: Output[]
  /** Accepted ones. */
  offsets: ReadonlyMap<Input, number> | undefined
  markersDue: (Partition<never> | 'offsets')[]
  /** All markers are written: the producer may begin the next. */
  done: boolean
}

export type Inbox = Partition<SourceRecord | Mark>
export type Input = Source | Inbox

export function newPartition<T>(name: string): Partition<T> {
  return { name, log: [], full: [], open: [], start: 0 }
}

export function highWatermark(partition: Partition<unknown>): number {
  return partition.log.length
}

/** Below the first offset of any transaction that has no marker on this partition. */
export function lastStableOffset(partition: Partition<unknown>): number {
  let offset = partition.log.length
  for (const { first } of partition.open) if (first < offset) offset = first
  return offset
}

export function isCommitted(entry: Entry<unknown> | undefined): boolean {
  return entry !== undefined && entry.data !== undefined && entry.tx.state === 'committed'
}

/** What a read-committed reader who applies everything below `end` must have, compacted or not. */
export function foldOf(changelog: Partition<Change>, end: number): Map<Key, ObjectState> {
  const state = new Map<Key, ObjectState>()
  for (let offset = 0; offset < end; offset++) {
    const entry = changelog.full[offset]
    if (isCommitted(entry)) apply(state, entry?.data as Change)
  }
  return state
}

export function apply(state: Map<Key, ObjectState>, { key, state: value, positions }: Change): void {
  if (positions !== undefined) return
  if (value === null) state.delete(key)
  else state.set(key, value)
}
