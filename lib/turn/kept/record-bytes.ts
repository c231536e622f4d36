import type { Codec } from '../../codec/codec.js'
import { MillraceError } from '../../core/errors.js'
import type { RecordCursor } from '../../log/port.js'

/** Reads a range of bytes; a negative `start` stands for no value. Throws what the codec throws. */
export function decodeValue(codec: Codec<unknown>, bytes: Buffer, start: number, end: number): unknown {
  if (start < 0)
    throw new MillraceError(
      'VALUE_INVALID',
      'the value is null (a tombstone); read the topic with .withTombstones() to get it',
    )
  return codec.decodeRange === undefined
    ? codec.decode(bytes.subarray(start, end))
    : codec.decodeRange(bytes, start, end)
}

/** The key bytes of the record that a cursor stands on, as they are in its buffer; null when it has none. */
export function keyBytes({ bytes, keyStart, keyEnd }: RecordCursor): Uint8Array | null {
  return keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd)
}

/** The value bytes of the record that a cursor stands on, as they are in its buffer; null when it has none. */
export function valueBytes({ bytes, valueStart, valueEnd }: RecordCursor): Uint8Array | null {
  return valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
}
