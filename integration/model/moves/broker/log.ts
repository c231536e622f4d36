import type { World } from '../../rules/world.js'
import { lastStableOffset, type Entry, type Partition, type Transaction } from '../../state/log.js'
import type { Change, Key } from '../../state/objects.js'

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

/** What nobody should do: outside of any transaction that could be aborted. */
export function appendAtOnce<T>(world: World, partition: Partition<T>, data: T): void {
  const tx = { state: 'committed' } as Transaction
  const entry: Entry<T> = { tx, at: world.now, data, horizon: 0 }
  partition.log.push(entry)
  partition.full.push(entry)
}

export function appendMarker<T>(world: World, partition: Partition<T>, tx: Transaction): void {
  const entry: Entry<T> = { tx, at: world.now, data: undefined, horizon: 0 }
  partition.log.push(entry)
  partition.full.push(entry)
  partition.open = partition.open.filter((other) => other.tx !== tx)
}

/** The cleaner: keeps the last record of each key below the last stable offset, and tombstones for `retention` after it first saw them. */
export function compact(world: World, changelog: Partition<Change>): boolean {
  const seen = new Set<Key>()
  let any = false
  for (let offset = lastStableOffset(changelog) - 1; offset >= 0; offset--) {
    const entry = changelog.log[offset]
    if (entry?.data === undefined) continue
    const { key, state, positions } = entry.data
    const isTombstone = state === null && positions === undefined
    const committed = entry.tx.state === 'committed'
    const expired = isTombstone && entry.horizon > 0 && world.now > entry.horizon
    if (!committed || seen.has(key) || expired) {
      changelog.log[offset] = undefined
      any = true
    } else if (isTombstone && entry.horizon === 0) {
      entry.horizon = world.now + world.config.retention
      any = true
    }
    if (committed) seen.add(key)
  }
  if (any) world.say(() => `broker: compacts ${changelog.name}`)
  return any
}
