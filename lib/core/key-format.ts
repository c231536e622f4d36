import { isUtf8 } from 'node:buffer'
import { utf8Text } from './bytes.js'
import { MillraceError } from './errors.js'

/**
 * What a format must ask somebody for, over a network, before its values can be written or read. Nothing on the record path can wait;
 * so whoever reads or writes a topic asks here before it encodes or decodes.
 */
export interface Awaited {
  /**
   * `write`: resolves when values can be encoded. `read`: when it is known that what has been written of late can be read. Rejects
   * with what somebody has to repair. While nobody answers it goes on asking; when `signal` aborts it resolves.
   */
  prepare(use: 'read' | 'write', signal: AbortSignal): Promise<void>
  /** What must be waited for before these bytes can be decoded; undefined: nothing. Never rejects. Ask again when it has resolved. */
  missing(bytes: Buffer, start: number, end: number): Promise<void> | undefined
  /** Why it is still being asked for; undefined while there is no trouble. */
  readonly trouble: string | undefined
}

/**
 * How the keys of a topic are read and written. To handlers a key is text, whatever its bytes are: of a long its digits, of bytes
 * their hexadecimal digits; so different bytes are different texts.
 */
export interface KeyFormat {
  /** In messages. */
  readonly format: string
  /** Throws `VALUE_INVALID` for bytes that are no key of this format. */
  text(bytes: Buffer, start: number, end: number): string
  /** What the log has for this text. Throws `VALUE_INVALID` for a text that is no key of this format. */
  bytes(text: string): string | Uint8Array
  /** What must be asked for before keys can be read or written. */
  readonly awaited?: Awaited | undefined
}

/** UTF-8, which most keys are. Bytes that are something else would become the replacement character, and different keys one. */
export const textKeys: KeyFormat = Object.freeze({
  format: 'text',
  text: keyText,
  bytes: (text: string) => text,
})

/** One list per length, used again and again: what is spread below is copied at once. */
const codesOfLength = Array.from({ length: 17 }, (_, length) => new Array<number>(length).fill(0))

/**
 * Text of a key's UTF-8 bytes. Up to 16 ASCII bytes are put together without a call into native code: 16 against 36 ns for
 * ten bytes, no difference from twenty on. `latin1Slice` is no faster than `utf8Slice` once the bytes have been checked.
 * Throws `VALUE_INVALID` for bytes that are not UTF-8.
 */
export function keyText(bytes: Buffer, start: number, end: number): string {
  const codes = codesOfLength[end - start]
  if (codes === undefined) return checkedText(bytes, start, end)
  let seen = 0
  for (let index = 0; index < codes.length; index++) seen |= codes[index] = bytes[start + index]!
  return seen > 127 ? checkedText(bytes, start, end) : String.fromCharCode(...codes)
}

function checkedText(bytes: Buffer, start: number, end: number): string {
  const text = utf8Text(bytes, start, end)
  if (!text.includes('\ufffd') || isUtf8(bytes.subarray(start, end))) return text
  throw new MillraceError(
    'VALUE_INVALID',
    `the key is not UTF-8 text (${shown(bytes, start, end)}); say what it is where the topic is defined, for example topic(name, schema, { key: long() }) or { key: bytes() }`,
  )
}

function shown(bytes: Buffer, start: number, end: number): string {
  const most = 16
  return `0x${bytes.toString('hex', start, Math.min(end, start + most))}${end - start > most ? '…' : ''}`
}
