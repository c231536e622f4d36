import type { AppState } from '../../runtime/watch/app-state.js'
import { counter, gauge, type Family } from './family.js'

const states: Readonly<Record<AppState, true>> = {
  starting: true,
  restoring: true,
  running: true,
  rebalancing: true,
  degraded: true,
  closed: true,
}

/** What the app is doing, and what its group makes it do. */
export const ofApp: readonly Family[] = [
  gauge('app_info', 'Always 1. What runs here.', ['instance_id', 'version', 'guarantee'], ({ engine, version }) => [
    [1, engine.options.instance, version, engine.options.guarantee],
  ]),
  gauge('app_state', '1 for the state that the app is in, 0 for all others.', ['state'], ({ engine }) => {
    const { state } = engine.health
    return Object.keys(states).map((each) => [Number(each === state), each] as const)
  }),
  gauge('ready', '1 when the app is ready, as /readyz says.', [], ({ engine }) => Number(engine.health.ready)),
  gauge('live', '1 until the app has been closed or an error has stopped it.', [], ({ engine }) =>
    Number(engine.health.live),
  ),
  gauge(
    'needs_operator',
    'Things that do not pass by themselves and wait for a person, as health() says.',
    [],
    ({ engine }) => engine.health.needsOperator.length,
  ),
  gauge('tasks', 'Tasks of this process.', ['state'], ({ engine }) => {
    const { parts } = engine.watch.inside
    return [
      [parts?.tasks.running.size ?? 0, 'running'],
      [parts?.tasks.taking.length ?? 0, 'restoring'],
      [parts?.standbys.tasks.length ?? 0, 'standby'],
    ]
  }),
  counter(
    'rebalances_total',
    'Assignments that the group has given this member.',
    [],
    ({ engine }) => engine.watch.inside.ownership?.assignments ?? 0,
  ),
  counter(
    'group_losses_total',
    'Times that the group has removed this member, or its session has ended.',
    [],
    ({ engine }) => engine.watch.inside.ownership?.losses ?? 0,
  ),
  gauge(
    'restore_remaining_records',
    'Changelog offsets that restores under way have still to pass, at most.',
    [],
    ({ engine }) => engine.watch.restore.last?.remaining ?? 0,
  ),
  gauge(
    'restore_records_per_second',
    'Changelog records that restores under way apply per second, over the last second; 0 when there are none.',
    [],
    ({ engine }) => engine.watch.restore.last?.recordsPerSecond ?? 0,
  ),
  counter(
    'restored_records_total',
    'Changelog records applied while tasks were taken over.',
    [],
    ({ engine }) => engine.stats.restoredRecords,
  ),
  counter(
    'restored_bytes_total',
    'Bytes of changelogs read while tasks were taken over.',
    [],
    ({ engine }) => engine.stats.restoredBytes,
  ),
  gauge(
    'standby_lag_records',
    'Changelog offsets that the copy of a task which another process runs is behind, as far as the ends are known.',
    ['task'],
    ({ engine }) =>
      [...(engine.watch.inside.parts?.standbys.lags ?? [])].map(([task, lag]) => [lag, String(task)] as const),
  ),
  counter(
    'standby_records_total',
    'Changelog records applied to standbys.',
    [],
    ({ engine }) => engine.stats.standbyRecords,
  ),
]
