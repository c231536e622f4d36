import { MillraceError } from '../../core/errors.js'
import { batchEnd, isControl, lastOffsetDeltaAt, recordCountAt } from '../../log/format/batch-header.js'
import type { FinishedBatch } from '../../log/port.js'
import type { PartitionLog } from './partition-log.js'

/** What a broker checks of a batch before it appends it. Throws `BATCH_CORRUPT` or `RECORD_TOO_LARGE`. */
export function demandAppendable(log: PartitionLog, { bytes, records }: FinishedBatch, maxBytes: number): void {
  const { topic, partition } = log
  if (bytes.length > maxBytes) {
    throw new MillraceError(
      'RECORD_TOO_LARGE',
      `${topic}[${partition}]: a batch of ${bytes.length} bytes is over max.message.bytes of ${maxBytes}. Split it, or raise the limit of the topic.`,
      { topic, partition },
    )
  }
  const whole = batchEnd(bytes, 0) === bytes.length
  const counted = whole && recordCountAt(bytes, 0) === records && lastOffsetDeltaAt(bytes, 0) === records - 1
  if (counted && records > 0 && !isControl(bytes, 0)) return
  throw new MillraceError(
    'BATCH_CORRUPT',
    `${topic}[${partition}]: not one record batch of ${records} records in ${bytes.length} bytes. Build it with batchBuilder().`,
    { topic, partition },
  )
}
