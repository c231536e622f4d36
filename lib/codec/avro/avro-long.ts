import avsc from 'avsc'

/**
 * Longs without loss: numbers up to ±(2^53 − 1), bigints beyond; written from both. avsc's own turn −(2^52 + 1) into
 * 2^52 without a word, because they count in doubles.
 */
export const exactLong = avsc.types.LongType.__with(
  { fromBuffer: parsed, toBuffer: zigzag, fromJSON: same, toJSON: same, isValid: isLong, compare },
  // Bytes come and go as they are on the wire.
  true,
)

/** Seven bits a byte, the lowest first, of 2n for n ≥ 0 and of −2n − 1 below. Source: Avro 1.12, Binary Encoding. */
function parsed(bytes: Uint8Array): number | bigint {
  // Seven bytes hold 49 bits.
  if (bytes.length > 7) return narrowed(bytes)
  let bits = 0
  let unit = 1
  for (let n = 0; n < bytes.length; n++) {
    bits += ((bytes[n] as number) & 0x7f) * unit
    unit *= 128
  }
  return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
}

function narrowed(bytes: Uint8Array): number | bigint {
  const bits = bytes.reduceRight((higher, byte) => (higher << 7n) | BigInt(byte & 0x7f), 0n)
  const value = BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n))
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** A buffer per length, to be copied by the caller before the next call. */
const buffers = Array.from({ length: 11 }, (_, length) => Buffer.alloc(length))

function zigzag(value: number | bigint): Buffer {
  const number = Number(value)
  if (Math.abs(number) >= 2 ** 51) return zigzagBigint(BigInt(value))
  const bits = number < 0 ? -2 * number - 1 : 2 * number
  let length = 1
  for (let rest = bits; rest > 0x7f; rest = Math.floor(rest / 128)) length++
  const bytes = buffers[length] as Buffer
  let rest = bits
  for (let n = 0; n < length; n++) {
    bytes[n] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  ;(bytes[length - 1] as number) &= 0x7f
  return bytes
}

function zigzagBigint(value: bigint): Buffer {
  const bytes: number[] = []
  let bits = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; bits > 0x7fn; bits >>= 7n) bytes.push(Number(bits & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(bits)])
}

function isLong(value: unknown): boolean {
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value)
}

function compare(one: number | bigint, other: number | bigint): number {
  return Number(one > other) - Number(one < other)
}

function same<T>(value: T): T {
  return value
}
