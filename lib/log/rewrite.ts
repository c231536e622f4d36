import { MillraceError } from '../core/errors.js'
import {
  baseOffsetAt,
  batchEnd,
  codecAt,
  fieldAt,
  headerBytes,
  lastOffsetDeltaAt,
  recordCountAt,
} from './format/batch-header.js'
import { compressionOf, deflate, inflate } from './compression/compression.js'
import { stampCrc } from './format/stamp.js'
import { VarintReader } from './format/varint.js'
import type { Offset } from '../core/record.js'

/**
 * A copy of the batch at `position` with only the records that `keep` says, as compaction leaves it: same base offset, last
 * offset delta, timestamps, producer fields and codec, so that readers step over the gaps and sequences stay known. With
 * nothing kept, a batch without records. `index` counts the records of this batch.
 *
 * Throws `BATCH_CORRUPT`, or `COMPRESSION_UNAVAILABLE` when the codec of the batch is not loaded.
 */
export function keepRecords(bytes: Buffer, position: number, keep: (offset: Offset, index: number) => boolean): Buffer {
  const end = batchEnd(bytes, position)
  if (end < 0) throw damaged(bytes, position, 'it is cut off')
  const header = bytes.subarray(position, position + headerBytes)
  const codec = codecAt(bytes, position)
  const records = inflate(codec, bytes.subarray(position + headerBytes, end))
  const { body, count } = keptRecords(bytes, position, records, keep)
  const packed = count === 0 ? body : deflate(compressionOf(codec), body)
  const rewritten = Buffer.concat([header, packed])
  rewritten.writeInt32BE(rewritten.length - fieldAt.leaderEpoch, fieldAt.length)
  rewritten.writeInt32BE(count, fieldAt.recordCount)
  stampCrc(rewritten)
  return rewritten
}

/** Records are kept byte for byte: what their deltas count from has not changed. Those that stand together are copied at once. */
function keptRecords(
  bytes: Buffer,
  position: number,
  records: Buffer,
  keep: (offset: Offset, index: number) => boolean,
): { readonly body: Buffer; readonly count: number } {
  const baseOffset = baseOffsetAt(bytes, position)
  const lastOffsetDelta = lastOffsetDeltaAt(bytes, position)
  const all = recordCountAt(bytes, position)
  const body = Buffer.allocUnsafeSlow(records.length)
  let size = 0
  let count = 0
  /** Where those begin that are kept and not yet copied. */
  let from = 0
  const reader = new VarintReader(records, 0)
  for (let index = 0; index < all; index++) {
    const start = reader.position
    const length = reader.int()
    const end = reader.position + length
    if (length < 1 || end > records.length) throw damaged(bytes, position, `record ${index} reaches beyond it`)
    reader.position++
    reader.skip()
    const delta = reader.int()
    if (delta < 0 || delta > lastOffsetDelta)
      throw damaged(bytes, position, `record ${index} has offset delta ${delta}`)
    reader.position = end
    if (keep(baseOffset + delta, index)) {
      count++
      continue
    }
    size += records.copy(body, size, from, start)
    from = end
  }
  size += records.copy(body, size, from, reader.position)
  return { body: body.subarray(0, size), count }
}

function damaged(bytes: Buffer, position: number, what: string): MillraceError {
  return new MillraceError(
    'BATCH_CORRUPT',
    `Record batch at byte ${position}, base offset ${baseOffsetAt(bytes, position)}: ${what}.`,
  )
}
