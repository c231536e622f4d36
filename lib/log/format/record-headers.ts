import { MillraceError } from '../../core/errors.js'
import { utf8Text } from '../../core/bytes.js'
import { VarintReader, varintSize, writeVarint } from './varint.js'
import type { Headers } from '../../core/record.js'

const none: Headers = new Map()

/** Bytes the headers of a record take, their count included. */
export function headersSize(headers: Headers): number {
  let size = varintSize(headers.size)
  for (const [name, value] of headers) {
    const nameSize = Buffer.byteLength(name)
    size += varintSize(nameSize) + nameSize + (value === null ? 1 : varintSize(value.length) + value.length)
  }
  return size
}

/** Writes the headers of a record; returns the position behind them. */
export function writeHeaders(bytes: Buffer, position: number, headers: Headers): number {
  let at = writeVarint(bytes, position, headers.size)
  for (const [name, value] of headers) {
    at = writeVarint(bytes, at, Buffer.byteLength(name))
    at += bytes.write(name, at, 'utf8')
    at = writeVarint(bytes, at, value === null ? -1 : value.length)
    if (value === null) continue
    bytes.set(value, at)
    at += value.length
  }
  return at
}

/**
 * The headers in `bytes[start, end)`; values are views of these bytes. Of several headers with one name the last counts.
 * Throws `BATCH_CORRUPT`.
 */
export function readHeaders(bytes: Buffer, start: number, end: number): Headers {
  // No headers at all, which is the rule: one map for all.
  if (bytes[start] === 0 && start + 1 === end) return none
  const reader = new VarintReader(bytes, start)
  const headers = new Map<string, Uint8Array | null>()
  let left = reader.int()
  if (left < 0) throw damaged('count', left)
  for (; left > 0; left--) {
    const nameSize = reader.int()
    const nameStart = reader.position
    if (nameSize < 0 || nameStart + nameSize > end) throw damaged('name length', nameSize)
    reader.position = nameStart + nameSize
    const valueSize = reader.int()
    const valueStart = reader.position
    if (valueSize < -1 || valueStart + Math.max(valueSize, 0) > end) throw damaged('value length', valueSize)
    reader.position = valueStart + Math.max(valueSize, 0)
    const name = utf8Text(bytes, nameStart, nameStart + nameSize)
    headers.set(name, valueSize < 0 ? null : bytes.subarray(valueStart, valueStart + valueSize))
  }
  if (reader.position !== end) throw damaged('total length', reader.position - start)
  return headers
}

function damaged(what: string, value: number): MillraceError {
  return new MillraceError('BATCH_CORRUPT', `Record headers: a ${what} of ${value} does not fit the record.`)
}
