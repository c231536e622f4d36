import type { CommitMeter, Written } from '../../runtime/commit/commit-meter.js'
import { counter, gauge, histogram, type Family, type Inside, type Sample } from './family.js'

const meterOf = ({ engine }: Inside): CommitMeter | undefined => engine.watch.inside.parts?.cycle.meter

/** Seconds since a moment of the monotonic clock. */
const since = ({ engine }: Inside, ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : (engine.options.clock.elapsed() - ms) / 1_000

const only = (value: Sample[0] | undefined): readonly Sample[] => (value === undefined ? [] : [[value]])

/** What commits come to, and how long it is since the last one. */
export const ofCommits: readonly Family[] = [
  counter('commits_total', 'Commits that were made.', [], ({ engine }) => engine.stats.commits),
  counter(
    'rollbacks_total',
    'Commits that were refused, and whose input was read again.',
    [],
    ({ engine }) => engine.stats.rollbacks,
  ),
  histogram('commit_duration_seconds', 'Time from the seal of a commit to the answer that it is made.', [], (all) =>
    only(meterOf(all)?.took),
  ),
  histogram('commit_records', 'Records written by a commit: changelogs, outputs, hops, dead letters.', [], (all) =>
    only(meterOf(all)?.records),
  ),
  histogram('commit_bytes', 'Bytes of batches written by a commit, as they are sent.', [], (all) =>
    only(meterOf(all)?.bytes),
  ),
  counter('written_records_total', 'Records written in commits that were made.', ['topic'], (all) =>
    written(all, ({ records }) => records),
  ),
  counter(
    'written_bytes_total',
    'Bytes of batches written in commits that were made, as they are sent.',
    ['topic'],
    (all) => written(all, ({ bytes }) => bytes),
  ),
  gauge(
    'last_commit_age_seconds',
    'Time since the last commit, or since the start before the first. It grows where there is nothing to commit.',
    [],
    (all) => since(all, meterOf(all)?.lastAt),
  ),
  gauge(
    'commit_pending_seconds',
    'How long the oldest work that is not committed yet has been waiting for its commit; 0 when there is none.',
    [],
    (all) => since(all, meterOf(all)?.pendingSince) ?? 0,
  ),
]

function written(all: Inside, valueOf: (written: Written) => number): readonly Sample[] {
  return [...(meterOf(all)?.written ?? [])].map(([topic, each]) => [valueOf(each), topic])
}
