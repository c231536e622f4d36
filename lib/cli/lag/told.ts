import { table } from '../frame/table.js'
import type { GroupLag } from './lag.js'

/** For people. */
export function lagText(groups: readonly GroupLag[]): string {
  const rows = groups.flatMap(({ partitions }) =>
    partitions.map(({ group, topic, partition, committed, end, lag, instance, host }) => {
      return [group, topic, partition, committed, end, lag, instance, host] as const
    }),
  )
  const total = groups.map(({ group, state, lag, reason }) => {
    const is = lag === null ? `lag unknown: ${reason ?? ''}` : `lag ${lag}`
    return `${group}: ${is}${state === 'none' || state === 'stable' ? '' : ` (group is ${state})`}`
  })
  const head = ['group', 'topic', 'partition', 'committed', 'end', 'lag', 'instance', 'host']
  return `${table(head, rows)}\n\n${total.join('\n')}`
}
