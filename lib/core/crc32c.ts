/** Castagnoli polynomial, reflected: what a RecordBatch v2 is checked with (KIP-98). */
const polynomial = 0x82f63b78

/**
 * Slicing by sixteen: entry `k * 256 + b` is the CRC of byte `b` followed by `k` zero bytes. Signed words, because
 * unsigned ones above 2^31 leave V8's integer path. 2.1 GB/s; slicing by eight 1.8, so no native module is needed.
 */
const table = new Int32Array(16 * 256)

for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  table[byte] = crc
}
for (let index = 256; index < table.length; index++) {
  const before = table[index - 256]!
  table[index] = (before >>> 8) ^ table[before & 255]!
}

/** CRC-32C of `bytes[start, end)`, unsigned. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  let at = start
  for (const last = end - 15; at < last; at += 16) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      table[3840 + (crc & 255)]! ^
      table[3584 + ((crc >>> 8) & 255)]! ^
      table[3328 + ((crc >>> 16) & 255)]! ^
      table[3072 + (crc >>> 24)]! ^
      table[2816 + bytes[at + 4]!]! ^
      table[2560 + bytes[at + 5]!]! ^
      table[2304 + bytes[at + 6]!]! ^
      table[2048 + bytes[at + 7]!]! ^
      table[1792 + bytes[at + 8]!]! ^
      table[1536 + bytes[at + 9]!]! ^
      table[1280 + bytes[at + 10]!]! ^
      table[1024 + bytes[at + 11]!]! ^
      table[768 + bytes[at + 12]!]! ^
      table[512 + bytes[at + 13]!]! ^
      table[256 + bytes[at + 14]!]! ^
      table[bytes[at + 15]!]!
  }
  for (; at < end; at++) crc = table[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}
