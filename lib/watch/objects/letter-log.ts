import { offsetOf, PositionMap } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { LogPort, RecordCursor } from '../../log/port.js'
import { allPartitions } from '../../core/record.js'

const maxBytes = 1 << 20

/** What there is of one partition. */
export interface Extent {
  readonly partition: number
  readonly start: number
  readonly end: number
}

/** A topic whose end is read: the last records first, as people look at it. */
export class TopicTail {
  readonly topic: string
  readonly #log: LogPort

  constructor(log: LogPort, topic: string) {
    this.#log = log
    this.topic = topic
  }

  /** Empty while there is no such topic. */
  async extents(): Promise<readonly Extent[]> {
    const { topic } = this
    const { admin } = this.#log
    const info = (await admin.describe([topic])).get(topic)
    if (info === undefined) return []
    const partitions = allPartitions(topic, info.partitions)
    const [starts, ends] = await Promise.all([
      admin.startOffsets(partitions),
      admin.endOffsets(partitions, 'committed'),
    ])
    return partitions.map(({ partition }) => ({
      partition,
      start: offsetOf(starts, topic, partition) ?? 0,
      end: offsetOf(ends, topic, partition) ?? 0,
    }))
  }

  /** Calls `see` with each record from one offset to before another, of which there must be something: `end` is at most that of the partition. */
  async each(
    partition: number,
    from: number,
    end: number,
    signal: AbortSignal,
    see: (cursor: RecordCursor) => void,
  ): Promise<void> {
    if (from >= end) return
    await using fetcher = this.#log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
    fetcher.assign(PositionMap.of([[this.topic, partition, from]]).topics)
    for (let at = from; at < end;) {
      const answer = await fetcher.next(signal)
      signal.throwIfAborted()
      for (const fetched of answer) {
        await loadCompressions(fetched.bytes)
        const cursor = recordCursor(fetched)
        while (cursor.next()) if (cursor.offset < end) see(cursor)
        at = fetched.to
      }
    }
  }
}
