import type { Positions, TopicPartition } from '../../lib/core/record.js'
import type { Isolation, LogPort } from '../../lib/log/port.js'

/** The beginning of partitions of topics that were made by this run. */
export function startOf(partitions: readonly TopicPartition[]): Positions {
  const positions = new Map<string, Map<number, number>>()
  for (const { topic, partition } of partitions) {
    positions.set(topic, (positions.get(topic) ?? new Map<number, number>()).set(partition, 0))
  }
  return positions
}

/** Ends as `topic[partition]` → offset. */
export async function endsOf(
  log: LogPort,
  partitions: readonly TopicPartition[],
  isolation: Isolation,
): Promise<ReadonlyMap<string, number>> {
  return flat(await log.admin.endOffsets(partitions, isolation))
}

/** A partition without a committed offset has been read up to its beginning. */
export async function committedOf(
  log: LogPort,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, number>> {
  const committed = flat(await log.admin.stableCommitted(group, partitions))
  return new Map(partitions.map(nameOf).map((name) => [name, committed.get(name) ?? 0]))
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}[${partition}]`

function flat(positions: Positions): ReadonlyMap<string, number> {
  return new Map(
    [...positions].flatMap(([topic, offsets]) =>
      [...offsets].map(([partition, offset]) => [nameOf({ topic, partition }), offset] as const),
    ),
  )
}
