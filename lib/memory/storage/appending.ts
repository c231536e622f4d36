import { MillraceError } from '../../core/errors.js'
import { recordCursor } from '../../log/cursor.js'
import { batchEnd, isControl, lastOffsetDeltaAt, maxTimestampAt, recordCountAt } from '../../log/format/batch-header.js'
import type { FinishedBatch } from '../../log/port.js'
import { recordsRefused, refusedAs } from '../../log/records-refused.js'
import type { PartitionLog } from './partition-log.js'

/** What the settings of a topic say of appends. */
export interface AppendRules {
  /** `max.message.bytes`. */
  readonly maxBytes: number
  /** `segment.bytes`. */
  readonly segmentBytes: number
  /** Records without a key have no place in it. */
  readonly compacted: boolean
  /** `message.timestamp.type=LogAppendTime`: records get the time of their append, and any time will do. */
  readonly appendTime: boolean
  /** How far timestamps may be from now: `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`. */
  readonly beforeMs: number
  readonly afterMs: number
}

/** What a broker checks of a batch before it appends it, in its order. Throws `BATCH_CORRUPT` or `RECORDS_REFUSED`. */
export function demandAppendable(log: PartitionLog, batch: FinishedBatch, rules: AppendRules, now: number): void {
  const { topic, partition } = log
  const { bytes, records } = batch
  const { length } = bytes
  if (length > rules.maxBytes) throw tooLarge(log, length, `max.message.bytes of ${rules.maxBytes}`, 'messageTooLarge')
  const whole = batchEnd(bytes, 0) === length
  const counted = whole && recordCountAt(bytes, 0) === records && lastOffsetDeltaAt(bytes, 0) === records - 1
  if (!counted || records === 0 || isControl(bytes, 0)) {
    throw new MillraceError(
      'BATCH_CORRUPT',
      `${topic}[${partition}]: not one record batch of ${records} records in ${length} bytes. Build it with batchBuilder().`,
      { topic, partition },
    )
  }
  demandRecords(log, batch, rules, now)
  if (length > rules.segmentBytes) throw tooLarge(log, length, `segment.bytes of ${rules.segmentBytes}`, 'listTooLarge')
}

function tooLarge(
  log: PartitionLog,
  bytes: number,
  limit: string,
  code: 'messageTooLarge' | 'listTooLarge',
): MillraceError {
  return recordsRefused(log, bytes, { brokerCode: refusedAs[code], why: `The batch is over ${limit}.`, records: [] })
}

/** Records are looked at only where one could be refused: a batch tells the latest of its timestamps, not the earliest. */
function demandRecords(log: PartitionLog, { bytes }: FinishedBatch, rules: AppendRules, now: number): void {
  const latest = rules.appendTime ? Infinity : now + rules.afterMs
  const earliest = rules.appendTime ? -Infinity : now - rules.beforeMs
  const timely = maxTimestampAt(bytes, 0) <= latest && earliest === -Infinity
  if (timely && !rules.compacted) return
  const { topic, partition } = log
  const place = { topic, partition, from: 0, to: 0, highWatermark: 0, lastStableOffset: 0 }
  const cursor = recordCursor({ ...place, bytes, isolation: 'all', aborted: [] })
  const untimely: [place: number, why: string][] = []
  const keyless: [place: number, why: string][] = []
  for (let at = 0; cursor.next(); at++) {
    const { timestamp, keyStart } = cursor
    if (rules.compacted && keyStart < 0) keyless.push([at, 'Compacted topic cannot accept message without key.'])
    else if (timestamp > latest || (timestamp < earliest && timestamp !== noTimestamp))
      untimely.push([at, `Timestamp ${timestamp} of message is out of range [${earliest}, ${latest}].`])
  }
  const records = [...untimely, ...keyless].sort(([a], [b]) => a - b)
  if (records.length === 0) return
  const brokerCode = untimely.length > 0 ? refusedAs.invalidTimestamp : refusedAs.invalidRecord
  throw recordsRefused(log, bytes.length, { brokerCode, why: null, records })
}

/** What a record without a timestamp has. */
const noTimestamp = -1
