import { MillraceError } from '../../core/errors.js'
import { batchEnd, isControl, lastOffsetDeltaAt, recordCountAt } from '../../log/format/batch-header.js'
import type { FinishedBatch } from '../../log/port.js'
import { recordsRefused, refusedAs } from '../../log/records-refused.js'
import type { PartitionLog } from './partition-log.js'

/** What a broker checks of a batch before it appends it. Throws `BATCH_CORRUPT` or `RECORDS_REFUSED`. */
export function demandAppendable(log: PartitionLog, { bytes, records }: FinishedBatch, maxBytes: number): void {
  const { topic, partition } = log
  if (bytes.length > maxBytes) {
    const why = `The batch is over max.message.bytes of ${maxBytes}.`
    throw recordsRefused({ topic, partition }, bytes.length, {
      brokerCode: refusedAs.messageTooLarge,
      why,
      records: [],
    })
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
