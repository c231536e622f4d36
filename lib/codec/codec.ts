import type { Awaited } from '../core/key-format.js'
import { asBuffer, isBytes } from '../core/bytes.js'
import { MillraceError } from '../core/errors.js'
import type { Rule } from '../core/options.js'
import { kindOf } from '../core/record-checks.js'
import { checkedText } from './utf8.js'

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
  /** The codec as one topic uses it, for formats that go by it; `topic()` asks for it. The same one for the same place. */
  readonly of?: (place: CodecPlace) => Codec<V>
  /** What must be asked for, over a network, before values can be written or read. Apps and clients wait for it. */
  readonly awaited?: Awaited
  /** Of keys that are not text, numbers or bytes: what user code sees of them. */
  readonly keyText?: KeyText<V>
}

/** Where a codec is used. */
export interface CodecPlace {
  readonly topic: string
  readonly part: 'key' | 'value'
}

/** Different keys have different texts. */
export interface KeyText<V> {
  text(key: V): string
  /** Throws what is no text of a key. */
  key(text: string): V
}

/** The codec of a topic's keys or values. */
export function codecFor<V>(codec: Codec<V>, place: CodecPlace): Codec<V> {
  return codec.of?.(place) ?? codec
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

/** UTF-8 text. `encode` and `decode` throw `VALUE_INVALID` for text that has no UTF-8 form, and bytes that are none. */
export function text(): Codec<string> {
  return textCodec
}

/** The bytes as they are; what `encode` and `decode` give are copies that the caller may keep. */
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
  decode: (view: Uint8Array) => checkedText(asBuffer(view), 0, view.length),
  decodeRaw: (view: Uint8Array) => checkedText(asBuffer(view), 0, view.length),
  decodeRange: checkedText,
  decodeText: (encoded: string) => encoded,
})

const bytesCodec: Codec<Uint8Array> = Object.freeze({
  format: 'bytes',
  encode(value: Uint8Array) {
    if (isBytes(value)) return Uint8Array.prototype.slice.call(value)
    throw new MillraceError('VALUE_INVALID', `bytes() writes a Uint8Array or Buffer, this is ${kindOf(value)}`)
  },
  decode: (view: Uint8Array) => Uint8Array.prototype.slice.call(view),
  decodeRaw: (view: Uint8Array) => Uint8Array.prototype.slice.call(view),
})
