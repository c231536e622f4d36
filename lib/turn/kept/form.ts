import { jsonText, type Codec } from '../../codec/codec.js'
import { isBytes, utf8Text } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import type { RecordCursor } from '../../log/port.js'

/**
 * How a value is written that waits for its turn, in an inbox or in a row. `o`: the original bytes of its record, read by
 * the source topic's codec; `t`: text; `b`: bytes; `j`: JSON, which is what a value made by `map` or `flatMap` must survive;
 * `n`: there is none, its record is a tombstone.
 */
export type Form = 'o' | 't' | 'b' | 'j' | 'n'

/** Of a value that a step may have made. */
export function formOf(value: unknown): Form {
  if (typeof value === 'string') return 't'
  if (value === null) return 'n'
  return isBytes(value) ? 'b' : 'j'
}

export function inForm(form: Form, value: unknown): string | Uint8Array | null {
  return form === 'j' ? jsonText(value) : (value as string | Uint8Array | null)
}

/** Reads a range of bytes; a negative `start` stands for no value. Throws what the codec throws. */
export function outOfForm(
  form: Form,
  codec: Codec<unknown> | undefined,
  bytes: Buffer,
  start: number,
  end: number,
): unknown {
  switch (form) {
    case 'o':
      return decodeValue(codec as Codec<unknown>, bytes, start, end)
    case 't':
      return utf8Text(bytes, start, end)
    case 'b':
      return Uint8Array.prototype.slice.call(bytes, start, end)
    case 'j':
      return JSON.parse(utf8Text(bytes, start, end))
    case 'n':
      return null
  }
}

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
