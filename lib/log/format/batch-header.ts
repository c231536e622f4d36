/**
 * The fixed part of a RecordBatch v2 (KIP-98; Kafka protocol guide, "Record Batch"):
 * `baseOffset:8 length:4 leaderEpoch:4 magic:1 crc:4 attributes:2 lastOffsetDelta:4 baseTimestamp:8 maxTimestamp:8
 * producerId:8 producerEpoch:2 baseSequence:4 recordCount:4`. Read functions take the bytes and where the batch begins.
 */
import { MillraceError } from '../../core/errors.js'
import { crc32c } from '../../core/crc32c.js'

/** Bytes before the first record. */
export const headerBytes = 61

/** Where each field begins. */
export const fieldAt = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

/** Bits of the attributes. Codecs: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd (KIP-110). */
export const attribute = { codec: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20 } as const

export const baseOffsetAt = (bytes: Buffer, position: number): number => readInt64(bytes, position)
export const attributesAt = (bytes: Buffer, position: number): number =>
  bytes.readInt16BE(position + fieldAt.attributes)
export const codecAt = (bytes: Buffer, position: number): number => attributesAt(bytes, position) & attribute.codec
export const isLogAppendTime = (bytes: Buffer, position: number): boolean =>
  has(bytes, position, attribute.logAppendTime)
export const isTransactional = (bytes: Buffer, position: number): boolean =>
  has(bytes, position, attribute.transactional)
export const isControl = (bytes: Buffer, position: number): boolean => has(bytes, position, attribute.control)
export const lastOffsetDeltaAt = (bytes: Buffer, position: number): number =>
  bytes.readInt32BE(position + fieldAt.lastOffsetDelta)
/** Milliseconds since the epoch; the deltas of the records count from here. */
export const baseTimestampAt = (bytes: Buffer, position: number): number =>
  readInt64(bytes, position + fieldAt.baseTimestamp)
export const maxTimestampAt = (bytes: Buffer, position: number): number =>
  readInt64(bytes, position + fieldAt.maxTimestamp)
/** -1: not from an idempotent producer. */
export const producerIdAt = (bytes: Buffer, position: number): bigint =>
  bytes.readBigInt64BE(position + fieldAt.producerId)
export const producerEpochAt = (bytes: Buffer, position: number): number =>
  bytes.readInt16BE(position + fieldAt.producerEpoch)
export const baseSequenceAt = (bytes: Buffer, position: number): number =>
  bytes.readInt32BE(position + fieldAt.baseSequence)
export const recordCountAt = (bytes: Buffer, position: number): number =>
  bytes.readInt32BE(position + fieldAt.recordCount)
/** Where to fetch on behind this batch; more than its last record's offset + 1 when compaction removed the tail. */
export const nextOffsetAt = (bytes: Buffer, position: number): number =>
  baseOffsetAt(bytes, position) + lastOffsetDeltaAt(bytes, position) + 1

/**
 * Where the batch at `position` ends, or -1 when the bytes end before it does: fetch answers may cut their last batch.
 * Throws `BATCH_CORRUPT` when what is there is no RecordBatch v2.
 */
export function batchEnd(bytes: Buffer, position: number): number {
  const left = bytes.length - position
  if (left <= fieldAt.magic) return -1
  const magic = bytes[position + fieldAt.magic]
  if (magic !== 2) {
    throw new MillraceError(
      'BATCH_CORRUPT',
      `Record batch at byte ${position}: magic is ${magic}, not 2. Messages older than Kafka 0.11 are not read; anything else was damaged on its way.`,
    )
  }
  const size = fieldAt.leaderEpoch + bytes.readInt32BE(position + fieldAt.length)
  if (size < headerBytes) {
    throw new MillraceError(
      'BATCH_CORRUPT',
      `Record batch at byte ${position}: a size of ${size} is below its header's.`,
    )
  }
  return size > left ? -1 : position + size
}

/** Checks magic, size and CRC of the batch at `position`. Throws `BATCH_CORRUPT`. */
export function verifyBatch(bytes: Buffer, position: number): void {
  const end = batchEnd(bytes, position)
  if (end < 0) {
    throw new MillraceError(
      'BATCH_CORRUPT',
      `Record batch at byte ${position}: cut off after ${bytes.length - position} bytes.`,
    )
  }
  const told = bytes.readUInt32BE(position + fieldAt.crc)
  const found = crc32c(bytes, position + fieldAt.attributes, end)
  if (told === found) return
  throw new MillraceError(
    'BATCH_CORRUPT',
    `Record batch at byte ${position}, base offset ${baseOffsetAt(bytes, position)}: CRC is ${found}, its header says ${told}.`,
  )
}

/** A signed 64-bit integer as a double: exact below 2^53, without a bigint per field. */
export function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4)
}

export function writeInt64(bytes: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  bytes.writeInt32BE(high, position)
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, position + 4)
}

function has(bytes: Buffer, position: number, bit: number): boolean {
  return (attributesAt(bytes, position) & bit) !== 0
}

/** Timestamp of the first record of the first batch, as its header says; undefined when it has none. */
export function firstTimeIn(bytes: Buffer): number | undefined {
  if (bytes.length < headerBytes) return undefined
  const time = isLogAppendTime(bytes, 0) ? maxTimestampAt(bytes, 0) : baseTimestampAt(bytes, 0)
  return time < 0 ? undefined : time
}
