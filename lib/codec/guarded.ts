import { MillraceError } from '../core/errors.js'
import { demandEncoded, forget, isThenable } from '../core/record-checks.js'
import { bytes, codecFor, text, type Codec, type CodecPlace } from './codec.js'

/** Codecs of this library, which give what they should. */
const known = new WeakSet<object>([text(), bytes()])
const guards = new WeakMap<object, Codec<unknown>>()

/** Freezes a codec of this library, and knows it from then on. */
export function own<V>(codec: Codec<V>): Codec<V> {
  known.add(codec)
  return Object.freeze(codec)
}

/**
 * A codec that users have given, with what it gives checked: `encode` must give well-formed text or bytes, and nothing may give
 * a promise. Bytes are copied: what it gives may be its own buffer, which the next value overwrites, and what it reads may be
 * handed on. Throws `VALUE_INVALID` naming the codec. The same one for the same codec; those of this library need none.
 */
export function guarded(codec: Codec<unknown>): Codec<unknown> {
  if (known.has(codec)) return codec
  const guard = guards.get(codec) ?? guardOf(codec)
  guards.set(codec, guard)
  return guard
}

function guardOf(codec: Codec<unknown>): Codec<unknown> {
  const { format } = codec
  const where = `codec '${String(format)}'`
  const read = <T>(value: T): T => {
    if (!isThenable(value)) return value
    forget(value)
    throw new MillraceError('VALUE_INVALID', `${where} gave a promise when reading; codecs cannot wait for anything`)
  }
  return own({
    format,
    encode(value: unknown) {
      const encoded = demandEncoded(codec.encode(value), where)
      if (typeof encoded === 'string') return encoded
      if (codec.decodeText === undefined) return ownBytes(encoded)
      throw new MillraceError('VALUE_INVALID', `${where} gave bytes; with decodeText it must always give a string`)
    },
    decode: (bytes: Uint8Array) => read(codec.decode(ownBytes(bytes))),
    ...(codec.decodeRange && {
      decodeRange: (bytes: Buffer, start: number, end: number) => read(codec.decodeRange?.(bytes, start, end)),
    }),
    ...(codec.decodeText && { decodeText: (text: string) => read(codec.decodeText?.(text)) }),
    ...(codec.awaited && { awaited: codec.awaited }),
    ...(codec.of && { of: (place: CodecPlace) => guarded(codecFor(codec, place)) }),
    ...(codec.keyText && { keyText: codec.keyText }),
    ...(codec.decodeRaw && { decodeRaw: (bytes: Uint8Array) => read(codec.decodeRaw?.(bytes)) }),
  })
}

const ownBytes = (bytes: Uint8Array): Uint8Array => Uint8Array.prototype.slice.call(bytes)
