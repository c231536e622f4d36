import { inflatedLimit, checkInflatedSize } from './batch-codec.js'

/** Bytes of the field, by its flag in the frame header descriptor; 0 means one byte when the frame is a single segment. */
const contentSizeBytes = [0, 2, 4, 8] as const
const dictionaryIdBytes = [0, 1, 2, 4] as const

/**
 * The content size that a zstd frame tells (RFC 8878 §3.1.1); undefined when it tells none, as those written by Java's
 * streams. Throws when this is no frame or the size cannot be true: the wasm build writes at address 0 after a failed
 * allocation.
 */
export function zstdContentSize(bytes: Buffer): number | undefined {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== 0xfd2fb528) throw new Error('not a zstd frame')
  const descriptor = bytes[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes[(descriptor & 3) as 0 | 1 | 2 | 3]
  const length = contentSizeBytes[(descriptor >> 6) as 0 | 1 | 2 | 3] || (isSingleSegment ? 1 : 0)
  if (length === 0) return undefined
  if (at + length > bytes.length) throw new Error('a zstd frame without its content size')
  const size = length === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, length)
  // The two-byte field counts from 256.
  const content = length === 2 ? size + 256 : size
  checkInflatedSize(content, inflatedLimit)
  return content
}
