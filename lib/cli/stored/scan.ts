import { MillraceError } from '../../core/errors.js'
import { allPartitions, offsetOf, PositionMap, type Offset, type TopicPartition } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, LogPort, RecordCursor } from '../../log/port.js'
import { CliError } from '../frame/exits.js'

/** What there is of a partition that can be read by now. */
export interface Stretch extends TopicPartition {
  readonly start: Offset
  readonly end: Offset
}

/** Of one partition in one answer. */
const maxBytes = 1 << 20

/** The whole of a topic, partition by partition; undefined when there is no such topic. */
export async function stretchesOf({ admin }: LogPort, topic: string): Promise<readonly Stretch[] | undefined> {
  const info = (await admin.describe([topic])).get(topic)
  if (info === undefined) return undefined
  const partitions = allPartitions(topic, info.partitions)
  const starts = await admin.startOffsets(partitions)
  const ends = await admin.endOffsets(partitions, 'committed')
  return partitions.map(({ partition }) => {
    const start = offsetOf(starts, topic, partition) ?? 0
    return { topic, partition, start, end: offsetOf(ends, topic, partition) ?? start }
  })
}

/** What a reader of committed records sees of a stretch: what came in one answer at a time, to be walked before the next is asked for. */
export async function* answersIn(
  log: LogPort,
  { topic, partition, start, end }: Stretch,
  signal: AbortSignal,
): AsyncGenerator<Iterable<RecordCursor>, void, undefined> {
  for (let at = start; at < end;) {
    try {
      for await (const fetched of fetchedFrom(log, { topic, partition, start: at, end }, signal)) {
        yield recordsBefore(fetched, end)
        at = fetched.to
      }
    } catch (error) {
      if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) throw error
      // Retention has gone on meanwhile.
      const starts = await log.admin.startOffsets([{ topic, partition }])
      const first = offsetOf(starts, topic, partition) ?? end
      if (first <= at) throw error
      at = first
    }
  }
}

async function* fetchedFrom(
  log: LogPort,
  { topic, partition, start, end }: Stretch,
  signal: AbortSignal,
): AsyncGenerator<Fetched, void, undefined> {
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(PositionMap.of([[topic, partition, start]]).topics)
  for (let at = start; at < end;) {
    for (const fetched of await fetcher.next(signal)) {
      await loadCompressions(fetched.bytes)
      yield fetched
      at = fetched.to
    }
    if (signal.aborted) throw new CliError('interrupted', 'interrupted')
  }
}

function* recordsBefore(fetched: Fetched, end: Offset): Generator<RecordCursor> {
  const cursor = recordCursor(fetched)
  while (cursor.next() && cursor.offset < end) yield cursor
}
