import type { ConnectorHealth, ConnectorStats } from '../../connect/runner.js'
import { counter, gauge, type Family, type Inside, type Sample } from './family.js'

const labels = ['connector', 'name']

const ofAll = ({ connectors }: Inside, valueOf: (stats: ConnectorStats) => number): readonly Sample[] =>
  connectors().stats.map((stats) => [valueOf(stats), stats.kind, stats.name])

const states: Readonly<Record<ConnectorHealth['state'], true>> = {
  starting: true,
  running: true,
  retrying: true,
  idle: true,
  stopped: true,
}

/** Sources and sinks of this process. */
export const ofConnectors: readonly Family[] = [
  gauge(
    'connector_state',
    '1 for the state that a source or sink is in, 0 for all others.',
    [...labels, 'state'],
    ({ connectors }) =>
      connectors().health.flatMap(({ kind, name, state }) =>
        Object.keys(states).map((each) => [Number(each === state), kind, name, each] as const),
      ),
  ),
  gauge('connector_partitions', 'Partitions that this process has of a source or sink.', labels, ({ connectors }) =>
    connectors().health.map(({ kind, name, partitions }) => [partitions.length, kind, name] as const),
  ),
  counter(
    'connector_records_total',
    'Records written to the topic of a source, or to the target of a sink, for good.',
    labels,
    (all) => ofAll(all, ({ records }) => records),
  ),
  counter('connector_commits_total', 'Commits of a source or sink.', labels, (all) =>
    ofAll(all, ({ commits }) => commits),
  ),
  counter('connector_duplicates_total', 'Records not written, since one with that id was.', labels, (all) =>
    ofAll(all, ({ duplicates }) => duplicates),
  ),
  counter('connector_dead_letters_total', 'Dead letters of a source or sink.', labels, (all) =>
    ofAll(all, ({ deadLetters }) => deadLetters),
  ),
  counter('connector_skipped_total', 'Records refused of which a policy says skip.', labels, (all) =>
    ofAll(all, ({ skipped }) => skipped),
  ),
  counter('connector_retries_total', 'Times that something was tried again.', labels, (all) =>
    ofAll(all, ({ retries }) => retries),
  ),
  counter(
    'connector_missing_total',
    'Records that were gone before a sink could write them, at most.',
    labels,
    ({ connectors }) =>
      connectors().stats.flatMap(({ kind, name, missing }) =>
        missing === undefined ? [] : [[missing, kind, name] as const],
      ),
  ),
  gauge(
    'connector_lag_records',
    'Records that are there and that a sink has not written.',
    [...labels, 'partition'],
    ({ connectors }) =>
      connectors().stats.flatMap(({ kind, name, lag }) =>
        [...(lag ?? [])].map(([partition, records]) => [records, kind, name, String(partition)] as const),
      ),
  ),
]
