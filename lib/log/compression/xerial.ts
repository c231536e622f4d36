/**
 * Java's framing of snappy (snappy-java's `SnappyOutputStream`, which Kafka's clients and brokers use): magic, version 1,
 * compatible since 1, then blocks of `length:4` and plain snappy.
 */
import { checkInflatedSize } from './batch-codec.js'

const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const magicBytes = 8
/** snappy-java's own block size. */
const blockBytes = 32_768
/** A copy element of three bytes makes 64 at most: snappy cannot pack tighter. */
const tightestRatio = 22

export function isXerial(bytes: Buffer): boolean {
  return bytes.length >= header.length && bytes.compare(header, 0, magicBytes, 0, magicBytes) === 0
}

/** Throws when a block reaches beyond the bytes, and what `inflateBlock` throws. */
export function inflateXerial(bytes: Buffer, inflateBlock: (block: Buffer) => Buffer): Buffer {
  const blocks: Buffer[] = []
  let at = header.length
  while (at + 4 <= bytes.length) {
    const start = at + 4
    const end = start + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new Error(`snappy block at byte ${at} reaches beyond the batch`)
    blocks.push(inflateBlock(bytes.subarray(start, end)))
    at = end
  }
  if (at < bytes.length) throw new Error(`${bytes.length - at} bytes behind the last snappy block`)
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
}

export function deflateXerial(bytes: Buffer, deflateBlock: (block: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [header]
  for (let start = 0; start < bytes.length; start += blockBytes) {
    const block = deflateBlock(bytes.subarray(start, start + blockBytes))
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Throws when the length a plain snappy block begins with cannot be true, before anybody allocates it. */
export function checkSnappyBlock(block: Buffer): void {
  let size = 0
  for (let at = 0, scale = 1; at < 5 && at < block.length; at++, scale *= 128) {
    size += (block[at]! & 127) * scale
    if (block[at]! < 128) break
  }
  checkInflatedSize(size, block.length * tightestRatio)
}
