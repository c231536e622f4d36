const multiplier = 0x5bd1e995
const seed = 0x9747b28c

/** Murmur2 as `org.apache.kafka.common.utils.Utils.murmur2` computes it: a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = seed ^ length
  let at = start
  for (const last = end - 3; at < last; at += 4) {
    hash = mixed(hash, bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
  }
  const left = end - at
  if (left === 0) return finished(hash)
  let tail = bytes[at]!
  if (left > 1) tail |= bytes[at + 1]! << 8
  if (left > 2) tail |= bytes[at + 2]! << 16
  return finished(Math.imul(hash ^ tail, multiplier))
}

/** The partition Java's default partitioner chooses for a key, text standing for its UTF-8: `toPositive(murmur2(key)) % partitions`. */
export function partitionOfKey(key: string | Uint8Array, partitions: number): number {
  const hash = typeof key === 'string' ? hashOfKey(key) : murmur2(key, 0, key.length)
  return (hash & 0x7fffffff) % partitions
}

/** Straight over the characters when all are ASCII, which keys nearly always are: no bytes are made for a hash. */
function hashOfKey(key: string): number {
  const length = key.length
  let hash = seed ^ length
  let seen = 0
  let at = 0
  for (const last = length - 3; at < last; at += 4) {
    const c0 = key.charCodeAt(at)
    const c1 = key.charCodeAt(at + 1)
    const c2 = key.charCodeAt(at + 2)
    const c3 = key.charCodeAt(at + 3)
    seen |= c0 | c1 | c2 | c3
    hash = mixed(hash, c0 | (c1 << 8) | (c2 << 16) | (c3 << 24))
  }
  let tail = 0
  for (let shift = 0; at < length; at++, shift += 8) {
    const code = key.charCodeAt(at)
    seen |= code
    tail |= code << shift
  }
  if (seen > 127) return hashOfUtf8(key)
  return finished((length & 3) === 0 ? hash : Math.imul(hash ^ tail, multiplier))
}

function hashOfUtf8(key: string): number {
  const bytes = Buffer.from(key)
  return murmur2(bytes, 0, bytes.length)
}

function mixed(hash: number, word: number): number {
  let k = Math.imul(word, multiplier)
  k ^= k >>> 24
  return Math.imul(hash, multiplier) ^ Math.imul(k, multiplier)
}

function finished(hash: number): number {
  let h = hash ^ (hash >>> 13)
  h = Math.imul(h, multiplier)
  return h ^ (h >>> 15)
}
