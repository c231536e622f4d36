import type { ErrorCode } from '../../core/errors.js'
import { counter, gauge, type Family, type Inside, type Sample } from './family.js'
import { lagsOf, type PartitionLag } from './lag.js'

const inside = ({ engine }: Inside): Inside['engine']['watch']['inside'] => engine.watch.inside

/** In commits that were made, so that what is done again counts once. */
const settled = (all: Inside, count: 'hops' | 'dropped' | 'skipped'): number =>
  inside(all).parts?.passage.counts.settled[count] ?? 0

/** `known`: told from the first, since Prometheus takes the first value that it sees for no increase. */
function byName(counts: ReadonlyMap<string, number> | undefined, known: readonly string[] = []): readonly Sample[] {
  const all = new Map([...known.map((name) => [name, 0] as const), ...(counts ?? [])])
  return [...all].map(([name, count]) => [count, name])
}

/** What most records fail with. */
const codes: readonly ErrorCode[] = [
  'HANDLER_FAILED',
  'TURN_TIMEOUT',
  'STATE_INVALID',
  'VALUE_INVALID',
  'RECORD_INVALID',
  'RECORD_TOO_LARGE',
  'RECORD_LATE',
  'QUARANTINED',
]

/** What is read, how far behind, and what becomes of records that have no turn. */
export const ofRecords: readonly Family[] = [
  gauge(
    'lag_records',
    'Records between what this process has processed of a partition and its end, as far as that is known. Control records and gaps count too.',
    ['topic', 'partition'],
    (all) => lags(all, ({ records }) => records),
  ),
  gauge(
    'lag_seconds',
    'Age of the first record of a partition that waits, by its timestamp, or of the one processed last while that one is not fetched; 0 when none waits.',
    ['topic', 'partition'],
    (all) => lags(all, ({ seconds }) => seconds),
  ),
  counter(
    'records_total',
    'Records read, also those that were read again after a commit that was not made.',
    ['topic'],
    (all) => byName(inside(all).parts?.processor.recordsOf),
  ),
  counter('hops_total', 'Records sent to the partition of their object, in commits that were made.', [], (all) =>
    settled(all, 'hops'),
  ),
  counter('dropped_total', 'Records whose key extractor gave null, in commits that were made.', [], (all) =>
    settled(all, 'dropped'),
  ),
  counter(
    'skipped_total',
    'Records refused and turns given up of which a policy says skip, in commits that were made.',
    [],
    (all) => settled(all, 'skipped'),
  ),
  counter(
    'refused_total',
    'Records that no turn was run for, by error code, in commits that were made.',
    ['code'],
    (all) => byName(inside(all).parts?.passage.counts.refusedBy.settled, codes),
  ),
  counter('dead_letters_total', 'Dead letters written, by error code, in commits that were made.', ['code'], (all) =>
    byName(inside(all).parts?.passage.counts.lettersBy.settled, codes),
  ),
  counter(
    'late_records_total',
    'Records that came after their window had closed, by kind, in commits that were made; they are in millrace_refused_total too.',
    ['kind'],
    (all) => byName(inside(all).parts?.passage.counts.late.settled, windowed(all)),
  ),
  gauge(
    'inputs_paused',
    'Inputs that pause, since what their handlers ask for seems to be down.',
    [],
    ({ engine }) => engine.health.paused.length,
  ),
  gauge(
    'partitions_held',
    'Partitions that are not read on because of transactions that other producers have left open.',
    [],
    ({ engine }) => engine.health.held.length,
  ),
  gauge(
    'partitions_waiting',
    'Partitions that are not read on, since a schema registry does not answer.',
    [],
    ({ engine }) => engine.health.waiting.length,
  ),
  counter(
    'lookup_records_total',
    'Records applied to lookup tables, also when they were read again.',
    [],
    ({ engine }) => engine.stats.lookupRecords,
  ),
  counter(
    'lookup_refused_total',
    'Records of lookup tables that were refused.',
    [],
    (all) => inside(all).parts?.lookups.refused ?? 0,
  ),
]

const windowed = ({ engine }: Inside): readonly string[] =>
  engine.options.program.kinds.flatMap(({ name, window }) => (window === undefined ? [] : [name]))

function lags({ engine }: Inside, valueOf: (lag: PartitionLag) => number | undefined): readonly Sample[] {
  return lagsOf(engine.watch, engine.options.clock.now()).flatMap((lag) => {
    const value = valueOf(lag)
    return value === undefined ? [] : [[value, lag.topic, String(lag.partition)] as const]
  })
}
