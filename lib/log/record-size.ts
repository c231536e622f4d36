import { sizeOf } from '../core/bytes.js'
import type { Headers } from '../core/record.js'
import { batchBuilder } from './batch-builder.js'
import type { BatchRule } from './batch-rules.js'
import { headerBytes } from './format/batch-header.js'
import { sectionSize, type HeaderSection } from './format/record-headers.js'
import { varintSize } from './format/varint.js'

type Content = string | Uint8Array | null

/** Around one record alone in its batch, at most: the batch's header, four lengths, attributes and two deltas of zero. */
const mostFraming = headerBytes + 4 * 5 + 3

/**
 * Whether a record with so many characters or bytes of key and value can be sent for certain; then nothing need be counted. A
 * character is 1 to 3 bytes.
 */
export function certainlyFits(rule: BatchRule, maxBytes: number, length: number, headersBytes: number): boolean {
  const most = 3 * length + headersBytes
  return most <= maxBytes && most + mostFraming <= rule.maxBytes
}

/**
 * Why a record cannot be sent, in words that follow `the record`; undefined when it can. It may have `maxBytes` of key, value
 * and headers, and, alone in its batch, must be within what the topic takes.
 */
export function misfit(
  rule: BatchRule,
  maxBytes: number,
  key: Content,
  value: Content,
  headers: Headers | HeaderSection | undefined,
): string | undefined {
  const headersBytes = headers === undefined ? 0 : sectionSize(headers)
  if (certainlyFits(rule, maxBytes, (key?.length ?? 0) + (value?.length ?? 0), headersBytes)) return undefined
  const content = sizeOf(key) + sizeOf(value) + headersBytes
  if (content > maxBytes)
    return `has ${content} bytes of key, value and headers, ${maxBytes} are allowed (option maxRecordBytes)`
  if (plainSize(key, value, headersBytes) <= rule.maxBytes) return undefined
  const size = packedSize(rule, key, value, headers)
  if (size <= rule.maxBytes) return undefined
  const how = rule.compression === 'none' ? '' : `, packed with ${rule.compression}`
  return `takes ${size} bytes in a batch of its own${how}, and the topic takes ${rule.maxBytes} (max.message.bytes)`
}

/** Of a batch with this record only. */
function plainSize(key: Content, value: Content, headersBytes: number): number {
  const body = 3 + withLength(key) + withLength(value) + Math.max(1, headersBytes)
  return headerBytes + varintSize(body) + body
}

function withLength(content: Content): number {
  const size = sizeOf(content)
  return varintSize(content === null ? -1 : size) + size
}

/** Found by packing it, which only a record larger than its topic's limit costs. */
function packedSize(
  { compression }: BatchRule,
  key: Content,
  value: Content,
  headers: Headers | HeaderSection | undefined,
): number {
  const alone = batchBuilder({ compression })
  alone.add(key, value, 0, headers)
  return alone.finish().bytes.length
}
