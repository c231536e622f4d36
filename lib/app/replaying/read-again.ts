import { MillraceError } from '../../core/errors.js'
import { offsetOf, PositionMap } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { LogPort } from '../../log/port.js'
import { carriedRecord, type CarriedRecord } from '../../turn/kept/carried.js'

const maxBytes = 1 << 20

/** The record of a dead letter that had no room for it, from its source; undefined when it is not there any more. */
export async function readAgain(
  log: LogPort,
  { topic, partition, offset, timestamp }: CarriedRecord,
): Promise<CarriedRecord | undefined> {
  if (!(await isThere(log, topic, partition, offset))) return undefined
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(PositionMap.of([[topic, partition, offset]]).topics)
  try {
    for (const fetched of await fetcher.next(new AbortController().signal)) {
      await loadCompressions(fetched.bytes)
      const cursor = recordCursor(fetched)
      while (cursor.next()) if (cursor.offset === offset) return carriedRecord(fetched, cursor, timestamp)
    }
    return undefined
  } catch (error) {
    if (MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) return undefined
    throw error
  }
}

/** Nothing is ever fetched from behind the end. */
async function isThere(log: LogPort, topic: string, partition: number, offset: number): Promise<boolean> {
  const info = (await log.admin.describe([topic])).get(topic)
  // A timer's has never been in a topic.
  if (offset < 0 || info === undefined || partition >= info.partitions) return false
  const ends = await log.admin.endOffsets([{ topic, partition }], 'committed')
  return offset < (offsetOf(ends, topic, partition) ?? 0)
}
