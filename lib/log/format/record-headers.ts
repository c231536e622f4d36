import { MillraceError } from '../../core/errors.js'
import { utf8Text } from '../../core/bytes.js'
import { VarintReader, varintSize, writeVarint } from './varint.js'
import type { Headers } from '../../core/record.js'

/**
 * The headers of a record as its batch has them: their number, then name and value of each (KIP-82). What hands a record on
 * hands on these bytes: a map has no room for two headers of one name, and text none for names that are not UTF-8.
 */
export type HeaderSection = Uint8Array

/** One map for all records without headers: what somebody puts into it all of them would have. */
const none: Headers = Object.defineProperty(new Map(), 'set', {
  value: () => {
    throw new TypeError('the headers of a record cannot be changed; make a new Map of them')
  },
})

/** Bytes the headers of a record take, their count included. */
export function headersSize(headers: Headers): number {
  let size = varintSize(headers.size)
  for (const [name, value] of headers) size += headerSize(name, value)
  return size
}

/** The same of what may be either. */
export function sectionSize(headers: Headers | HeaderSection): number {
  return headers instanceof Uint8Array ? headers.length : headers.size === 0 ? 1 : headersSize(headers)
}

/** Bytes one header takes. */
export function headerSize(name: string, value: Uint8Array | null): number {
  const nameSize = Buffer.byteLength(name)
  return varintSize(nameSize) + nameSize + (value === null ? 1 : varintSize(value.length) + value.length)
}

/** Writes the headers of a record; returns the position behind them. */
export function writeHeaders(bytes: Buffer, position: number, headers: Headers): number {
  let at = writeVarint(bytes, position, headers.size)
  for (const [name, value] of headers) at = writeHeader(bytes, at, name, value)
  return at
}

/** Writes one header; returns the position behind it. */
export function writeHeader(bytes: Buffer, position: number, name: string, value: Uint8Array | null): number {
  let at = writeVarint(bytes, position, Buffer.byteLength(name))
  at += bytes.write(name, at, 'utf8')
  at = writeVarint(bytes, at, value === null ? -1 : value.length)
  if (value === null) return at
  bytes.set(value, at)
  return at + value.length
}

/**
 * The headers in `bytes[start, end)`; values are copies. Of several headers with one name the last counts.
 * Throws `BATCH_CORRUPT`.
 */
export function readHeaders(bytes: Buffer, start: number, end: number): Headers {
  // No headers at all, which is the rule.
  if (bytes[start] === 0 && start + 1 === end) return none
  const headers = new Map<string, Uint8Array | null>()
  const walk = new HeaderWalk(bytes, start, end)
  // Copies: whoever changes them must not change the batch that the record is in.
  while (walk.next()) headers.set(walk.name, walk.value && Uint8Array.prototype.slice.call(walk.value))
  return headers
}

/** Walks the headers in a range of bytes, all of them and in order. Throws `BATCH_CORRUPT` where they do not fit the range. */
export class HeaderWalk {
  /** Headers that are still to come. */
  left: number
  /** Where the current header begins, and where the next one does. */
  start: number
  end: number
  readonly #bytes: Buffer
  readonly #from: number
  readonly #limit: number
  readonly #reader: VarintReader
  #nameStart = 0
  #nameEnd = 0
  #valueStart = -1

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#from = start
    this.#limit = end
    this.#reader = new VarintReader(bytes, start)
    this.left = this.#reader.int()
    this.start = this.end = this.#reader.position
    if (this.left < 0) throw damaged('count', this.left)
  }

  /** Moves to the next header; false behind the last one. */
  next(): boolean {
    const reader = this.#reader
    if (this.left === 0) {
      if (this.end !== this.#limit) throw damaged('total length', this.end - this.#from)
      return false
    }
    this.start = this.end
    const nameSize = reader.int()
    this.#nameStart = reader.position
    this.#nameEnd = this.#nameStart + nameSize
    if (nameSize < 0 || this.#nameEnd > this.#limit) throw damaged('name length', nameSize)
    reader.position = this.#nameEnd
    const valueSize = reader.int()
    this.#valueStart = valueSize < 0 ? -1 : reader.position
    this.end = reader.position + Math.max(valueSize, 0)
    if (valueSize < -1 || this.end > this.#limit) throw damaged('value length', valueSize)
    reader.position = this.end
    this.left--
    return true
  }

  /** A view of the bytes. */
  get nameBytes(): Uint8Array {
    return this.#bytes.subarray(this.#nameStart, this.#nameEnd)
  }

  get name(): string {
    return utf8Text(this.#bytes, this.#nameStart, this.#nameEnd)
  }

  /** A view of the bytes. */
  get value(): Uint8Array | null {
    return this.#valueStart < 0 ? null : this.#bytes.subarray(this.#valueStart, this.end)
  }
}

function damaged(what: string, value: number): MillraceError {
  return new MillraceError('BATCH_CORRUPT', `Record headers: a ${what} of ${value} does not fit the record.`)
}
