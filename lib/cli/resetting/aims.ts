import { offsetOf, PositionMap, type Offset, type Positions, type TopicPartition } from '../../core/record.js'
import type { LogAdmin } from '../../log/port.js'

/** Where the reading of sources is to begin. */
export type Aim =
  | { readonly to: 'earliest' }
  | { readonly to: 'latest' }
  /** At the first record of this time (milliseconds since the epoch) or a later one; at the end where there is none. */
  | { readonly to: 'time'; readonly ms: number }
  /** So many records on, or back, from where it stands; at most to the start and the end. */
  | { readonly to: 'shift'; readonly by: number }

/** One partition, and where its reading would begin. */
export interface Aimed extends TopicPartition {
  /** Where it stands; undefined when the group has no offset of it. */
  readonly from: Offset | undefined
  readonly to: Offset
  readonly start: Offset
  readonly end: Offset
}

/** Finds out where an aim is in each of these partitions. */
export async function aimed(
  admin: LogAdmin,
  partitions: readonly TopicPartition[],
  committed: Positions,
  aim: Aim,
): Promise<readonly Aimed[]> {
  if (partitions.length === 0) return []
  const starts = await admin.startOffsets(partitions)
  // Records of transactions that are not decided yet are read later, not skipped.
  const ends = await admin.endOffsets(partitions, 'committed')
  const atTime = aim.to === 'time' ? await admin.offsetsAt(partitions, Math.max(0, aim.ms)) : new PositionMap().topics
  return partitions.map(({ topic, partition }) => {
    const start = offsetOf(starts, topic, partition) ?? 0
    const end = Math.max(start, offsetOf(ends, topic, partition) ?? start)
    const from = offsetOf(committed, topic, partition)
    const goal = goalOf(aim, { start, end, from, atTime: offsetOf(atTime, topic, partition) })
    return { topic, partition, from, to: Math.min(Math.max(goal, start), end), start, end }
  })
}

function goalOf(
  aim: Aim,
  at: {
    readonly start: Offset
    readonly end: Offset
    readonly from: Offset | undefined
    readonly atTime?: Offset | undefined
  },
): Offset {
  switch (aim.to) {
    case 'earliest':
      return at.start
    case 'latest':
      return at.end
    case 'time':
      return at.atTime ?? at.end
    case 'shift':
      // Without an offset the app would begin at the start.
      return (at.from ?? at.start) + aim.by
  }
}
