import { MillraceError, reasonOf } from '../../core/errors.js'
import { offsetOf, PositionMap, type Offset, type RecordInfo, type TopicPartition } from '../../core/record.js'
import { allThere, awaitedOf } from '../awaited.js'
import type { ClientTopic } from './client-topic.js'
import { loadCompressions } from '../compression/compression.js'
import { recordCursor } from '../cursor.js'
import type { Fetched, LogPort, RecordCursor } from '../port.js'
import { RecordView } from '../record-view.js'

/** Of one partition in one answer. */
const maxBytes = 1024 * 1024

/** A record as `read` hands it out: valid for ever. */
export interface ReadRecord<V> {
  readonly key: string | null
  /** Null for a tombstone. */
  readonly value: V | null
  readonly record: RecordInfo
}

/** Where reading begins and ends, by partition number; partitions without anything to read are left out. */
interface Span {
  readonly from: PositionMap
  readonly ends: Map<number, Offset>
}

/** See `LogClient.read`. The ends are captured by the call, not when the first record is asked for. */
export function readToEnd<V>(
  port: LogPort,
  source: ClientTopic<V>,
  partitions: Promise<readonly TopicPartition[]>,
): AsyncIterable<ReadRecord<V>> {
  // An outcome instead of a rejection: nobody may ever iterate.
  const captured = capture(port, source.name, partitions).then(
    (span) => ({ span }),
    (error: unknown) => ({ error }),
  )
  return {
    async *[Symbol.asyncIterator]() {
      const outcome = await captured
      if ('error' in outcome) throw outcome.error
      yield* records(port, source, outcome.span)
    },
  }
}

async function capture(port: LogPort, topic: string, known: Promise<readonly TopicPartition[]>): Promise<Span> {
  const partitions = await known
  const ends = await port.admin.endOffsets(partitions, 'committed')
  const starts = await port.admin.startOffsets(partitions)
  const span: Span = { from: new PositionMap(), ends: new Map() }
  for (const { partition } of partitions) {
    const start = offsetOf(starts, topic, partition) ?? 0
    const end = offsetOf(ends, topic, partition) ?? 0
    if (start >= end) continue
    span.from.set(topic, partition, start)
    span.ends.set(partition, end)
  }
  return span
}

async function* records<V>(port: LogPort, source: ClientTopic<V>, span: Span): AsyncGenerator<ReadRecord<V>> {
  const left = new Map(span.ends)
  if (left.size === 0) return
  const never = new AbortController().signal
  const awaited = awaitedOf(source as Parameters<typeof awaitedOf>[0])
  const fetcher = port.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  try {
    fetcher.assign(span.from.topics)
    while (left.size > 0) {
      for (const fetched of await fetcher.next(never)) {
        const end = left.get(fetched.partition)
        if (end === undefined) continue
        await loadCompressions(fetched.bytes)
        await allThere(awaited, () => recordCursor(fetched), never)
        const cursor = recordCursor(fetched)
        yield* recordsBelow(end, fetched, cursor, source)
        if (cursor.nextOffset < end) continue
        left.delete(fetched.partition)
        fetcher.pause(fetched)
      }
    }
  } finally {
    await fetcher[Symbol.asyncDispose]()
  }
}

/** Leaves the cursor behind the last record below `end`, or at or beyond `end`. */
function* recordsBelow<V>(
  end: Offset,
  fetched: Fetched,
  cursor: RecordCursor,
  source: ClientTopic<V>,
): Generator<ReadRecord<V>> {
  const view = new RecordView()
  view.bind(fetched.topic, fetched.partition, cursor, source.keys)
  while (cursor.next() && cursor.offset < end) {
    const value = valueOf(fetched, cursor, source)
    const record = view.snapshot()
    yield {
      // Only who looks at it is refused a key that cannot be read.
      get key() {
        return record.key
      },
      value,
      record,
    }
  }
}

function valueOf<V>({ topic, partition }: Fetched, cursor: RecordCursor, source: ClientTopic<V>): V | null {
  const { bytes, valueStart, valueEnd, offset } = cursor
  if (valueStart < 0) return null
  try {
    return source.codec.decode(bytes.subarray(valueStart, valueEnd))
  } catch (cause) {
    throw new MillraceError(
      'VALUE_INVALID',
      `${topic}[${partition}]@${offset}: the codec of this topic cannot read the value (${reasonOf(cause)}). Read it with the codec it was written with.`,
      { topic, partition, offset, cause },
    )
  }
}
