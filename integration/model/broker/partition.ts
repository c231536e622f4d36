import type { Change, Key, ObjectState, World } from '../world.js'
import type { Transaction } from './transactions.js'

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

/** Returns the offset. */
export function append<T>(world: World, partition: Partition<T>, tx: Transaction, data: T): number {
  if (!tx.partitions.has(partition as Partition<never>)) {
    tx.partitions.add(partition as Partition<never>)
    partition.open.push({ tx, first: partition.log.length })
  }
  const entry: Entry<T> = { tx, at: world.now, data, horizon: 0 }
  partition.log.push(entry)
  return partition.full.push(entry) - 1
}

export function appendMarker<T>(world: World, partition: Partition<T>, tx: Transaction): void {
  const entry: Entry<T> = { tx, at: world.now, data: undefined, horizon: 0 }
  partition.log.push(entry)
  partition.full.push(entry)
  partition.open = partition.open.filter((other) => other.tx !== tx)
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

export function apply(state: Map<Key, ObjectState>, { key, state: value }: Change): void {
  if (value === null) state.delete(key)
  else state.set(key, value)
}

/** The cleaner: keeps the last record of each key below the last stable offset, and tombstones for `retention` after it first saw them. */
export function compact(world: World, changelog: Partition<Change>): boolean {
  const seen = new Set<Key>()
  let any = false
  for (let offset = lastStableOffset(changelog) - 1; offset >= 0; offset--) {
    const entry = changelog.log[offset]
    if (entry?.data === undefined) continue
    const { key, state } = entry.data
    const committed = entry.tx.state === 'committed'
    const expired = state === null && entry.horizon > 0 && world.now > entry.horizon
    if (!committed || seen.has(key) || expired) {
      changelog.log[offset] = undefined
      any = true
    } else if (state === null && entry.horizon === 0) {
      entry.horizon = world.now + world.config.retention
      any = true
    }
    if (committed) seen.add(key)
  }
  if (any) world.say(() => `broker: compacts ${changelog.name}`)
  return any
}
