import { fetchedOf, recordsBefore, topicExtents, type Extent } from '../../log/client/extents.js'
import type { LogPort, RecordCursor } from '../../log/port.js'

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
    return (await topicExtents(this.#log, this.topic)) ?? []
  }

  /** Calls `see` with each record from one offset to before another, of which there must be something: `end` is at most that of the partition. */
  async each(
    partition: number,
    from: number,
    end: number,
    signal: AbortSignal,
    see: (cursor: RecordCursor) => void,
  ): Promise<void> {
    for await (const fetched of fetchedOf(this.#log, { topic: this.topic, partition, start: from, end }, signal)) {
      signal.throwIfAborted()
      for (const cursor of recordsBefore(fetched, end)) see(cursor)
    }
    if (from < end) signal.throwIfAborted()
  }
}
