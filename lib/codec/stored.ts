import { asBuffer, latin1Text, utf8Text } from '../core/bytes.js'
import type { Codec } from './codec.js'

/** State as the local store keeps it: a string, so that reads and writes cost no conversion for JSON and text. */
export interface StoredCodec {
  /** Throws what the state codec throws. */
  encode(state: unknown): string
  decode(stored: string): unknown
  /** What the codec's `decodeRaw` gives; undefined when it has none. */
  readonly raw: ((stored: string) => unknown) | undefined
  /** The same value as the changelog carries it: exactly what the codec wrote. */
  wire(stored: string): string | Uint8Array
  /** A changelog value as the store keeps it. */
  fromWire(bytes: Buffer, start: number, end: number): string
}

/**
 * Text formats are stored as they are. Binary ones are stored one character per byte (latin1): lossless, and the store
 * keeps one value encoding for all kinds of a task.
 */
export function storedCodec(codec: Codec<unknown>): StoredCodec {
  const decodeText = codec.decodeText?.bind(codec)
  const decodeRaw = codec.decodeRaw?.bind(codec)
  if (decodeText !== undefined) {
    return {
      encode: (state) => codec.encode(state) as string,
      decode: decodeText,
      raw: decodeRaw && ((stored) => decodeRaw(Buffer.from(stored, 'utf8'))),
      wire: (stored) => stored,
      fromWire: utf8Text,
    }
  }
  return {
    encode(state) {
      const encoded = codec.encode(state)
      const bytes = typeof encoded === 'string' ? Buffer.from(encoded, 'utf8') : asBuffer(encoded)
      return latin1Text(bytes, 0, bytes.length)
    },
    decode: (stored) => codec.decode(Buffer.from(stored, 'latin1')),
    raw: decodeRaw && ((stored) => decodeRaw(Buffer.from(stored, 'latin1'))),
    wire: (stored) => Buffer.from(stored, 'latin1'),
    fromWire: latin1Text,
  }
}
