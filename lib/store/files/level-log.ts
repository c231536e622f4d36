import { Damage } from './damage.js'
import { LevelBytes, storedChecksum } from './level-bytes.js'

const blockBytes = 32 * 1024
const headerBytes = 7

const full = 1
const first = 2
const middle = 3
const last = 4

/**
 * The records of a LevelDB log: a manifest or a write-ahead log. Ends at a record that was not written to its end, as after a
 * kill. Throws `Damage` where a checksum is wrong: LevelDB itself skips what it cannot read and goes on behind it.
 */
export function* logRecords(bytes: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = []
  let at = 0
  for (;;) {
    const leftInBlock = blockBytes - (at % blockBytes)
    if (leftInBlock < headerBytes) at += leftInBlock
    if (at + headerBytes > bytes.length) return
    const header = new LevelBytes(bytes, at)
    const checksum = header.uint32()
    const length = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)
    const type = bytes[at + 6] as number
    const end = at + headerBytes + length
    if (end > bytes.length && at + blockBytes - (at % blockBytes) >= bytes.length) return
    if (length > blockBytes - headerBytes - (at % blockBytes)) throw new Damage(`the record at ${at} is too long`)
    if (checksum !== storedChecksum(bytes, at + 6, end)) throw new Damage(`the record at ${at} has a wrong checksum`)

    const begins = type === full || type === first
    if (begins !== (parts.length === 0) || type < full || type > last)
      throw new Damage(`the record at ${at} is out of place`)
    parts.push(bytes.subarray(at + headerBytes, end))
    at = end
    if (type === first || type === middle) continue
    yield parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
    parts = []
  }
}
