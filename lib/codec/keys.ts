import { asBuffer, isBytes } from '../core/bytes.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import { textKeys, type KeyFormat } from '../core/key-format.js'
import { kindOf } from '../core/record-checks.js'
import type { Codec, KeyText } from './codec.js'

/** A codec of keys: `text()`, `long()`, `integer()`, `double()`, `bytes()`, or one of your own that reads text, numbers or bytes, or has `keyText`. */
export type KeyCodec =
  Codec<string> | Codec<number> | Codec<bigint> | Codec<Uint8Array> | (Codec<unknown> & { readonly keyText: unknown })

const known = new WeakMap<KeyCodec, KeyFormat>()

/** Keys of this library whose codec knows their text. */
export function ownKeyFormat(codec: KeyCodec, format: KeyFormat): void {
  known.set(codec, format)
}

/** How formats begin of keys that are structs of several fields, or of one that is no text. */
export const structKeys = 'connect-struct'
/** The same of Avro keys with ids of a registry. */
export const registryStructKeys = 'registry-avro-struct'

/** The keys of a topic by their codec; the same format for the same codec. */
export function keyFormat(codec: KeyCodec | undefined): KeyFormat {
  if (codec === undefined || codec.format === 'text') return textKeys
  let format = known.get(codec)
  if (format === undefined) known.set(codec, (format = formatOf(codec as Codec<unknown>)))
  return format
}

function formatOf(codec: Codec<unknown>): KeyFormat {
  const { format, awaited, keyText } = codec
  const read = (bytes: Uint8Array): unknown => {
    const value = codec.decode(bytes)
    return keyText === undefined ? value : keyText.text(value)
  }
  return Object.freeze({
    format,
    awaited,
    text(bytes: Buffer, start: number, end: number) {
      try {
        return textOf(read(bytes.subarray(start, end)), format)
      } catch (cause) {
        const what = `the key cannot be read as the option key of its topic says, format ${format} (${reasonOf(cause)})`
        throw new MillraceError('VALUE_INVALID', what, { cause })
      }
    },
    bytes(text: string) {
      for (const value of keyText === undefined ? valuesOf(text) : madeBy(keyText, text)) {
        const encoded = attempt(codec, value)
        // Only what reads back as the same text: else two texts would be one key.
        if (encoded !== undefined && attemptText(read, encoded, format) === text) return encoded
      }
      throw new MillraceError('VALUE_INVALID', `'${text}' is no key of format ${format}`)
    },
  })
}

/** Formats whose texts are digits of some kind. */
const digits: ReadonlySet<string> = new Set(['integer', 'long', 'double', 'bytes'])

/** Whether a key with a window behind it, in text, may be a key of this format. */
export const takesWindows = ({ format }: KeyFormat): boolean =>
  !digits.has(format) && !format.startsWith(structKeys) && format !== registryStructKeys

function textOf(value: unknown, format: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (isBytes(value)) return asBuffer(value).toString('hex')
  const what = `a key of format ${format} is ${kindOf(value)}; a codec of keys reads text, numbers or bytes`
  throw new MillraceError('VALUE_INVALID', what)
}

function* madeBy(keys: KeyText<unknown>, text: string): Iterable<unknown> {
  try {
    yield keys.key(text)
  } catch {
    // It is no text of a key.
  }
}

/** What a text can be the text of, likeliest first. */
function* valuesOf(text: string): Iterable<unknown> {
  if (text !== '' && Number.isFinite(Number(text))) yield Number(text)
  if (/^-?\d+$/.test(text)) yield BigInt(text)
  if (/^([0-9a-f]{2})*$/.test(text)) yield Buffer.from(text, 'hex')
  yield text
}

function attempt(codec: Codec<unknown>, value: unknown): Uint8Array | undefined {
  try {
    const encoded = codec.encode(value)
    return typeof encoded === 'string' ? Buffer.from(encoded) : isBytes(encoded) ? encoded : undefined
  } catch (error) {
    // It could not write any key.
    if (MillraceError.is(error, 'DEFINITION_INVALID')) throw error
    return undefined
  }
}

function attemptText(read: (bytes: Uint8Array) => unknown, encoded: Uint8Array, format: string): string | undefined {
  try {
    return textOf(read(encoded), format)
  } catch {
    return undefined
  }
}
