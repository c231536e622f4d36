import { MillraceError } from '../../core/errors.js'
import { attribute, attributesAt, fieldAt, headerBytes, writeInt64 } from './batch-header.js'
import { crc32c } from '../../core/crc32c.js'
import { writeVarint } from './varint.js'

/** Who sends a batch, and its place in their sequence (KIP-98). */
export interface ProducerStamp {
  /** -1 for a producer that is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
}

/**
 * Sets the producer fields and the CRC of a finished batch. Stamping again replaces them.
 * Throws `BATCH_CORRUPT` for a transactional batch without a producer id: brokers accept one when the request names a
 * transactional id, and nobody could ever abort it.
 */
export function stampBatch(bytes: Buffer, producer: ProducerStamp): void {
  if (producer.transactional && producer.producerId < 0n) {
    throw new MillraceError(
      'BATCH_CORRUPT',
      `A transactional batch needs a producer id, not ${producer.producerId}. Call InitProducerId first.`,
    )
  }
  const attributes = attributesAt(bytes, 0) & ~attribute.transactional
  bytes.writeInt16BE(producer.transactional ? attributes | attribute.transactional : attributes, fieldAt.attributes)
  bytes.writeBigInt64BE(producer.producerId, fieldAt.producerId)
  bytes.writeInt16BE(producer.producerEpoch, fieldAt.producerEpoch)
  bytes.writeInt32BE(producer.baseSequence, fieldAt.baseSequence)
  stampCrc(bytes)
}

/** Sets the CRC of the one batch that `bytes` is. */
export function stampCrc(bytes: Buffer): void {
  bytes.writeUInt32BE(crc32c(bytes, fieldAt.attributes, bytes.length), fieldAt.crc)
}

/** Gives all records of the one batch that `bytes` is the time of their append, as a broker does; the CRC is still to be set. */
export function stampAppendTime(bytes: Buffer, now: number): void {
  bytes.writeInt16BE(attributesAt(bytes, 0) | attribute.logAppendTime, fieldAt.attributes)
  writeInt64(bytes, fieldAt.maxTimestamp, now)
}

/** Sets the base offset of the batch at `position`, as a broker does when it appends; the CRC does not cover it. */
export function stampBaseOffset(bytes: Buffer, position: number, baseOffset: number): void {
  writeInt64(bytes, position + fieldAt.baseOffset, baseOffset)
}

/** Writes the header of the batch that `bytes` is, as no producer's; base offset 0, CRC 0. */
export function writeHeader(
  bytes: Buffer,
  header: {
    readonly attributes: number
    readonly lastOffsetDelta: number
    readonly baseTimestamp: number
    readonly maxTimestamp: number
    readonly records: number
  },
): void {
  bytes.fill(0, 0, fieldAt.length)
  bytes.writeInt32BE(bytes.length - fieldAt.leaderEpoch, fieldAt.length)
  bytes.writeInt32BE(-1, fieldAt.leaderEpoch)
  bytes[fieldAt.magic] = 2
  bytes.writeUInt32BE(0, fieldAt.crc)
  bytes.writeInt16BE(header.attributes, fieldAt.attributes)
  bytes.writeInt32BE(header.lastOffsetDelta, fieldAt.lastOffsetDelta)
  writeInt64(bytes, fieldAt.baseTimestamp, header.baseTimestamp)
  writeInt64(bytes, fieldAt.maxTimestamp, header.maxTimestamp)
  // Producer id, epoch and base sequence: all -1.
  bytes.fill(255, fieldAt.producerId, fieldAt.recordCount)
  bytes.writeInt32BE(header.records, fieldAt.recordCount)
}

/**
 * The batch a coordinator ends a transaction with (KIP-98, "Control Records"): one record, key `version:2 type:2`, value
 * `version:2 coordinatorEpoch:4`.
 */
export function controlBatch(
  type: 'commit' | 'abort',
  producerId: bigint,
  producerEpoch: number,
  timestamp: number,
): Buffer {
  const body = Buffer.from([0, 0, 0, 4 << 1, 0, 0, 0, type === 'commit' ? 1 : 0, 6 << 1, 0, 0, 0, 0, 0, 0, 0])
  const bytes = Buffer.alloc(headerBytes + 1 + body.length)
  body.copy(bytes, writeVarint(bytes, headerBytes, body.length))
  writeHeader(bytes, {
    attributes: attribute.transactional | attribute.control,
    lastOffsetDelta: 0,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    records: 1,
  })
  bytes.writeBigInt64BE(producerId, fieldAt.producerId)
  bytes.writeInt16BE(producerEpoch, fieldAt.producerEpoch)
  stampCrc(bytes)
  return bytes
}
