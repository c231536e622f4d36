import { allPartitions, offsetOf, PositionMap, type Offset, type TopicPartition } from '../../core/record.js'
import { loadCompressions } from '../compression/compression.js'
import { recordCursor } from '../cursor.js'
import type { Fetched, LogAdmin, LogPort, RecordCursor } from '../port.js'

/** What there is of a partition that readers of committed records can have by now. */
export interface Extent extends TopicPartition {
  readonly start: Offset
  readonly end: Offset
}

/** Of one partition in one answer. */
const maxBytes = 1 << 20

/** Of the whole of a topic, partition by partition; undefined when there is no such topic. */
export async function topicExtents({ admin }: LogPort, topic: string): Promise<readonly Extent[] | undefined> {
  const info = (await admin.describe([topic])).get(topic)
  return info && (await extentsOf(admin, allPartitions(topic, info.partitions)))
}

export async function extentsOf(admin: LogAdmin, partitions: readonly TopicPartition[]): Promise<readonly Extent[]> {
  const starts = await admin.startOffsets(partitions)
  const ends = await admin.endOffsets(partitions, 'committed')
  return partitions.map(({ topic, partition }) => {
    const start = offsetOf(starts, topic, partition) ?? 0
    return { topic, partition, start, end: offsetOf(ends, topic, partition) ?? start }
  })
}

/** What is fetched of an extent, answer by answer; less when `signal` aborts. Rejects with `OFFSET_OUT_OF_RANGE` where it is not kept any more. */
export async function* fetchedOf(
  log: LogPort,
  { topic, partition, start, end }: Extent,
  signal: AbortSignal,
): AsyncGenerator<Fetched, void, undefined> {
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(PositionMap.of([[topic, partition, start]]).topics)
  for (let at = start; at < end && !signal.aborted;) {
    for (const fetched of await fetcher.next(signal)) {
      await loadCompressions(fetched.bytes)
      yield fetched
      at = fetched.to
    }
  }
}

/** The records of it before an offset, one by one. */
export function* recordsBefore(fetched: Fetched, end: Offset): Generator<RecordCursor> {
  const cursor = recordCursor(fetched)
  while (cursor.next() && cursor.offset < end) yield cursor
}
