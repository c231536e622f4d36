import { asBuffer } from '../../core/bytes.js'
import type { Headers } from '../../core/record.js'
import { HeaderWalk, headerSize, readHeaders, writeHeader, type HeaderSection } from './record-headers.js'
import { varintSize, writeVarint } from './varint.js'

/** The section of a record without headers. */
export const noHeaders: HeaderSection = Uint8Array.of(0)

/** Headers of ours, in order. */
export type OwnHeaders = readonly (readonly [name: string, value: Uint8Array])[]

/**
 * The headers in `bytes[start, end)` as a section: a view, once it is known to be whole. Nothing that is handed on may make a
 * broker refuse the batch that it is in. Throws `BATCH_CORRUPT`.
 */
export function sectionIn(bytes: Buffer, start: number, end: number): HeaderSection {
  if (bytes[start] === 0 && start + 1 === end) return noHeaders
  const walk = new HeaderWalk(bytes, start, end)
  while (walk.next());
  return bytes.subarray(start, end)
}

/** Of several headers with one name the last counts. */
export function headersOf(section: HeaderSection): Headers {
  return readHeaders(asBuffer(section), 0, section.length)
}

/** A section with headers of ours before and behind those that it has, whose bytes stay as they are. */
export function surrounded(before: OwnHeaders, section: HeaderSection, behind: OwnHeaders): HeaderSection {
  const { left, start } = new HeaderWalk(asBuffer(section), 0, section.length)
  const count = before.length + left + behind.length
  let size = varintSize(count) + section.length - start
  for (const [name, value] of before) size += headerSize(name, value)
  for (const [name, value] of behind) size += headerSize(name, value)
  const joined = Buffer.allocUnsafe(size)
  let at = writeVarint(joined, 0, count)
  for (const [name, value] of before) at = writeHeader(joined, at, name, value)
  joined.set(section.subarray(start), at)
  at += section.length - start
  for (const [name, value] of behind) at = writeHeader(joined, at, name, value)
  return joined
}

/** A section without headers of these names; the bytes of the others stay as they are. */
export function without(names: readonly string[], section: HeaderSection): HeaderSection {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  const kept: Uint8Array[] = []
  while (walk.next()) if (!names.includes(walk.name)) kept.push(section.subarray(walk.start, walk.end))
  return counted(kept.length, Buffer.concat(kept))
}

/** A section without its first headers. */
export function withoutFirst(count: number, section: HeaderSection): HeaderSection {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  for (let skipped = 0; skipped < count; skipped++) walk.next()
  return counted(walk.left, section.subarray(walk.end))
}

/** A section without its last headers, and those as a map; undefined when it has fewer. */
export function split(section: HeaderSection, lastCount: number): readonly [HeaderSection, Headers] | undefined {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  const kept = walk.left - lastCount
  if (kept < 0) return undefined
  const { start } = walk
  for (let walked = 0; walked < kept; walked++) walk.next()
  const { end } = walk
  const last = new Map<string, Uint8Array | null>()
  while (walk.next()) last.set(walk.name, walk.value)
  return [counted(kept, section.subarray(start, end)), last]
}

/** The value of the first header, when it has this name. */
export function firstHeader(section: HeaderSection, name: string): Uint8Array | null | undefined {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  return walk.left > 0 && walk.next() && walk.name === name ? walk.value : undefined
}

/** The value of the last header, when it has this name. */
export function lastHeader(section: HeaderSection, name: string): Uint8Array | null | undefined {
  const walk = new HeaderWalk(asBuffer(section), 0, section.length)
  let found: Uint8Array | null | undefined
  while (walk.next()) found = walk.left === 0 && walk.name === name ? walk.value : undefined
  return found
}

function counted(count: number, entries: Uint8Array): HeaderSection {
  if (count === 0) return noHeaders
  const size = varintSize(count)
  const section = Buffer.allocUnsafe(size + entries.length)
  writeVarint(section, 0, count)
  section.set(entries, size)
  return section
}
