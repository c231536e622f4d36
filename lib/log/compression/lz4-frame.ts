/**
 * LZ4 frames, as far as it takes to know how large they may become before anybody unpacks them. Source: LZ4 Frame Format
 * Description 1.6.
 */
import { checkInflatedSize, inflatedLimit } from './batch-codec.js'

const magic = 0x184d2204
/** Bits of the FLG byte: what follows each block and the descriptor. */
const blockChecksums = 0x10
const contentSize = 0x08
const dictionaryId = 0x01
/** A match length of 255 a byte: LZ4 cannot pack tighter. */
const tightestRatio = 255

/** Throws when these bytes are no frame, or when its blocks could become more than is to be believed. */
export function checkLz4Frame(bytes: Buffer): void {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== magic) throw new Error('not an lz4 frame')
  const flags = bytes[4]!
  const blockMost = 1 << (8 + 2 * ((bytes[5]! >> 4) & 7))
  let at = 7 + (flags & contentSize ? 8 : 0) + (flags & dictionaryId ? 4 : 0)
  let size = 0
  while (at + 4 <= bytes.length) {
    const block = bytes.readUInt32LE(at) & 0x7fffffff
    // The end mark.
    if (block === 0) return
    size += Math.min(blockMost, block * tightestRatio)
    checkInflatedSize(size, inflatedLimit)
    at += 4 + block + (flags & blockChecksums ? 4 : 0)
  }
}
