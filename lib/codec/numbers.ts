import { asBuffer } from '../core/bytes.js'
import { MillraceError } from '../core/errors.js'
import { checkOptions, oneOf, type Rules } from '../core/options.js'
import type { Codec } from './codec.js'
import { own } from './guarded.js'

/** Whole numbers of 32 bits, big-endian: what Kafka's `IntegerSerializer` writes. `VALUE_INVALID` for anything else. */
export function integer(): Codec<number> {
  return integerCodec
}

/**
 * Whole numbers of 64 bits, big-endian: what Kafka's `LongSerializer` writes, and Kafka Streams for counts. As numbers,
 * those beyond ±(2^53 − 1) are `VALUE_INVALID`, because they would be rounded; as bigints, all can be read and written.
 * @default as: 'number'
 */
export function long(options?: { readonly as?: 'number' }): Codec<number>
/** All of them, as bigints. */
export function long(options: { readonly as: 'bigint' }): Codec<bigint>
export function long(options: LongOptions = {}): Codec<number> | Codec<bigint> {
  checkOptions('long', options, longOptions)
  return options.as === 'bigint' ? bigintCodec : longCodec
}

/** Floating-point numbers of 64 bits, big-endian: what Kafka's `DoubleSerializer` writes. */
export function double(): Codec<number> {
  return doubleCodec
}

interface LongOptions {
  readonly as?: 'number' | 'bigint'
}

const longOptions: Rules<LongOptions> = { as: oneOf('number', 'bigint') }

const integerCodec = fixed<number>({
  format: 'integer',
  called: 'an integer',
  length: 4,
  fits: (value) => value === ((value as number) | 0),
  range: 'a whole number from −2^31 to 2^31 − 1',
  write: (bytes, value) => bytes.writeInt32BE(value),
  read: (bytes, at) => bytes.readInt32BE(at),
})

const longCodec = fixed<number>({
  format: 'long',
  called: 'a long',
  length: 8,
  fits: Number.isSafeInteger,
  range: 'a whole number from −(2^53 − 1) to 2^53 − 1',
  write(bytes, value) {
    bytes.writeInt32BE(Math.floor(value / 2 ** 32))
    bytes.writeUInt32BE(value >>> 0, 4)
  },
  read(bytes, at) {
    const value = bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
    if (Number.isSafeInteger(value)) return value
    const exact = bytes.readBigInt64BE(at)
    throw new MillraceError(
      'VALUE_INVALID',
      `the long ${exact} is not exact as a number; read it with long({ as: 'bigint' })`,
    )
  },
})

const bigintCodec = fixed<bigint>({
  format: 'long',
  called: 'a long',
  length: 8,
  fits: (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  range: 'a bigint from −2^63 to 2^63 − 1',
  write: (bytes, value) => bytes.writeBigInt64BE(value),
  read: (bytes, at) => bytes.readBigInt64BE(at),
})

const doubleCodec = fixed<number>({
  format: 'double',
  called: 'a double',
  length: 8,
  fits: (value) => typeof value === 'number',
  range: 'a number',
  write: (bytes, value) => bytes.writeDoubleBE(value),
  read: (bytes, at) => bytes.readDoubleBE(at),
})

/** Values that all have the same length. */
interface Fixed<V> {
  readonly format: string
  /** In messages. */
  readonly called: string
  /** Bytes. */
  readonly length: number
  readonly fits: (value: unknown) => boolean
  /** What fits, in words. */
  readonly range: string
  readonly write: (bytes: Buffer, value: V) => void
  readonly read: (bytes: Buffer, at: number) => V
}

function fixed<V>({ format, called, length, fits, range, write, read }: Fixed<V>): Codec<V> {
  function decodeRange(bytes: Buffer, start: number, end: number): V {
    if (end - start === length) return read(bytes, start)
    throw new MillraceError('VALUE_INVALID', `${end - start} bytes are not ${called}, which has ${length}`)
  }
  return own({
    format,
    encode(value: V) {
      if (!fits(value))
        throw new MillraceError('VALUE_INVALID', `${String(value)} is not ${called}: it must be ${range}`)
      const bytes = Buffer.allocUnsafe(length)
      write(bytes, value)
      return bytes
    },
    decode: (bytes: Uint8Array) => decodeRange(asBuffer(bytes), 0, bytes.length),
    decodeRange,
  })
}
