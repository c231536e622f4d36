import { Damage } from './damage.js'
import { LevelBytes, storedChecksum } from './level-bytes.js'

const footerBytes = 48
const magic = 0xdb4775248b80fb57n

/** Checks every block of a table file against its checksum, which LevelDB stores and does not look at. Throws `Damage`. */
export function checkTable(bytes: Uint8Array): void {
  const footer = new LevelBytes(bytes, bytes.length - footerBytes)
  const end = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < footerBytes || end.getBigUint64(bytes.length - 8, true) !== magic)
    throw new Damage('its end is not that of a table')
  const metaIndex = blockAt(bytes, footer)
  const index = blockAt(bytes, footer)
  for (const block of [...handlesIn(bytes, metaIndex), ...handlesIn(bytes, index)]) blockAt(bytes, block)
}

interface Block {
  readonly start: number
  readonly end: number
}

/** The block that a handle points to, once its checksum is found to be right. */
function blockAt(bytes: Uint8Array, handle: LevelBytes): Block {
  const start = handle.varint()
  const end = start + handle.varint()
  // Behind the block: a byte that says how it is compressed, and the checksum of both.
  if (end + 5 > bytes.length || new LevelBytes(bytes, end + 1).uint32() !== storedChecksum(bytes, start, end + 1))
    throw new Damage(`the block at ${start} has a wrong checksum`)
  return { start, end }
}

/** An index block: keys with shared prefixes, each with the handle of a block. */
function handlesIn(bytes: Uint8Array, { start, end }: Block): readonly LevelBytes[] {
  if (bytes[end] !== 0) throw new Damage(`the block at ${start} is compressed, which no store of ours is`)
  const restarts = new LevelBytes(bytes, end - 4).uint32()
  const handles: LevelBytes[] = []
  const entries = new LevelBytes(bytes, start)
  while (entries.at < end - 4 - 4 * restarts) {
    entries.varint()
    const keyBytes = entries.varint()
    const valueBytes = entries.varint()
    handles.push(new LevelBytes(bytes, entries.at + keyBytes))
    entries.skip(keyBytes + valueBytes)
  }
  return handles
}
