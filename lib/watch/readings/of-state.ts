import type { CacheMeter } from '../../core/telemetry/state-meter.js'
import type { Table } from '../../state/table.js'
import { counter, gauge, histogram, type Family, type Inside, type Sample } from './family.js'

/** Those of the program: what the app keeps for itself is no kind of it. */
function caches({ engine }: Inside, valueOf: (cache: CacheMeter) => number): readonly Sample[] {
  const { parts } = engine.watch.inside
  if (parts === undefined) return []
  return engine.options.program.kinds.map(({ name }) => [valueOf(parts.meter.cache(name)), name])
}

function tables(all: Inside, valueOf: (table: Table) => number): readonly Sample[] {
  const sums = new Map(all.engine.options.program.kinds.map(({ name }) => [name, 0]))
  for (const { state } of all.engine.watch.inside.parts?.tasks.running.values() ?? [])
    for (const table of state?.tables ?? []) {
      const { name } = table.kind
      const sum = sums.get(name)
      if (sum !== undefined) sums.set(name, sum + valueOf(table))
    }
  return [...sums].map(([name, sum]) => [sum, name])
}

/** The local store, and the cache before it. */
export const ofState: readonly Family[] = [
  counter('cache_hits_total', 'Objects that were in memory when they were needed.', ['kind'], (all) =>
    caches(all, ({ hits }) => hits),
  ),
  counter(
    'cache_misses_total',
    'Objects that the local store was asked for; new ones are among them.',
    ['kind'],
    (all) => caches(all, ({ misses }) => misses),
  ),
  gauge('cached_objects', 'Objects in memory, about, of the tasks that run here.', ['kind'], (all) =>
    tables(all, ({ cachedCount }) => cachedCount),
  ),
  gauge('unflushed_objects', 'Committed objects that are not in the local store yet.', ['kind'], (all) =>
    tables(all, ({ unflushedCount }) => unflushedCount),
  ),
  histogram(
    'store_flush_duration_seconds',
    'Time of a write of committed changes to the local store.',
    [],
    ({ engine }) => {
      const { parts } = engine.watch.inside
      return parts === undefined ? [] : [[parts.meter.flushes]]
    },
  ),
  counter(
    'store_flushed_objects_total',
    'Objects written to the local store.',
    [],
    ({ engine }) => engine.watch.inside.parts?.meter.flushedObjects ?? 0,
  ),
  gauge(
    'store_bytes',
    'Bytes of the files of the local stores of this process, as counted in the last half minute; absent when they are in memory.',
    [],
    ({ storeSize }) => storeSize.bytes,
  ),
]
