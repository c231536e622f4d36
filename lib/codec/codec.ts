import { asBuffer, isBytes, utf8Text } from '../core/bytes.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import type { Rule } from '../core/options.js'
import { kindOf } from '../core/record-checks.js'
import { validator, type OutputOf, type Schema } from './schema.js'

/** Turns values into bytes and back. `decode` throws on bytes it cannot read. */
export interface Codec<V> {
  /** A short name for descriptions: `json`, `text`, `bytes`, … */
  readonly format: string
  encode(value: V): Uint8Array | string
  decode(bytes: Uint8Array): V
  /** As `decode` for a range of a larger buffer. Optional: saves the 60 ns of making a view per record. */
  decodeRange?(bytes: Buffer, start: number, end: number): V
  /** As `decode` for the text of the bytes. Only codecs that always encode to strings have it: their state is stored as text. */
  decodeText?(encoded: string): V
  /**
   * What `encode` was given, as far as the bytes tell without a schema: what steps of `migrate` begin with. State of a kind
   * with a `version` above 1 needs it, since what an older version has written need not fit the schema of this one. Throws
   * on bytes that are no value of this format at all.
   */
  decodeRaw?(bytes: Uint8Array): unknown
}

export const codecRule: Rule = {
  give: 'a codec such as text(), or an object with encode and decode',
  fits: isCodec,
  required: false,
}

export function isCodec(value: unknown): value is Codec<unknown> {
  const { encode, decode } = (value ?? {}) as Partial<Codec<unknown>>
  return typeof encode === 'function' && typeof decode === 'function'
}

/** JSON, checked against a schema when read. */
export function json<S extends Schema>(schema: S): Codec<OutputOf<S>> {
  const check = validator(schema) as (value: unknown) => OutputOf<S>
  return Object.freeze({
    format: 'json',
    encode: (value: OutputOf<S>) => jsonText(value),
    decode: (bytes: Uint8Array) => check(parse(utf8Text(asBuffer(bytes), 0, bytes.length))),
    decodeRange: (bytes: Buffer, start: number, end: number) => check(parse(utf8Text(bytes, start, end))),
    decodeText: (encoded: string) => check(parse(encoded)),
    decodeRaw: (bytes: Uint8Array) => parse(utf8Text(asBuffer(bytes), 0, bytes.length)),
  })
}

/** UTF-8 text. */
export function text(): Codec<string> {
  return textCodec
}

/** The bytes as they are; what `decode` gives is a copy that the caller may keep. */
export function bytes(): Codec<Uint8Array> {
  return bytesCodec
}

const textCodec: Codec<string> = Object.freeze({
  format: 'text',
  encode(value: string) {
    if (typeof value === 'string' && value.isWellFormed()) return value
    const what = typeof value === 'string' ? 'text with half a surrogate pair, which has no UTF-8 form' : kindOf(value)
    throw new MillraceError('VALUE_INVALID', `text() writes strings, this is ${what}`)
  },
  decode: (view: Uint8Array) => utf8Text(asBuffer(view), 0, view.length),
  decodeRaw: (view: Uint8Array) => utf8Text(asBuffer(view), 0, view.length),
  decodeRange: utf8Text,
  decodeText: (encoded: string) => encoded,
})

const bytesCodec: Codec<Uint8Array> = Object.freeze({
  format: 'bytes',
  encode(value: Uint8Array) {
    if (isBytes(value)) return value
    throw new MillraceError('VALUE_INVALID', `bytes() writes a Uint8Array or Buffer, this is ${kindOf(value)}`)
  },
  decode: (view: Uint8Array) => Uint8Array.prototype.slice.call(view),
  decodeRaw: (view: Uint8Array) => Uint8Array.prototype.slice.call(view),
})

/** JSON text of a value. Throws `VALUE_INVALID` for what JSON has no form for (undefined, functions, cycles, bigint). */
export function jsonText(value: unknown): string {
  let encoded: string | undefined
  try {
    encoded = JSON.stringify(value)
  } catch (cause) {
    throw new MillraceError('VALUE_INVALID', `the value has no JSON form (${reasonOf(cause)})`, { cause })
  }
  if (encoded === undefined)
    throw new MillraceError('VALUE_INVALID', `the value has no JSON form (it is ${typeof value})`)
  return encoded
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch (cause) {
    throw new MillraceError('VALUE_INVALID', `not JSON (${reasonOf(cause)})`, { cause })
  }
}
