import { MillraceError } from '../core/errors.js'
import type { Headers, TopicPartition } from '../core/record.js'

/**
 * A stored value of version 1 is what its codec made. One of a later version begins with its number between two of these.
 * So does one of version 1 that begins with this character by itself, which JSON never does.
 */
const mark = '\u0001'
const markCode = 1

/** Of changelog records of versions above 1: the version, in ASCII digits. */
const header = 'v'

/** A value as it is stored. */
export function withVersion(version: number, value: string): string {
  return version === 1 && value.charCodeAt(0) !== markCode ? value : `${mark}${version}${mark}${value}`
}

/** Where in a stored value that of the codec begins: behind its version, or at 0 when it has none and is of version 1. */
export function valueStart(stored: string): number {
  if (stored.charCodeAt(0) !== markCode) return 0
  let at = 1
  while (isDigit(stored.charCodeAt(at))) at++
  return at > 1 && stored.charCodeAt(at) === markCode ? at + 1 : 0
}

/** `start` is its `valueStart`. */
export function versionOf(stored: string, start: number): number {
  return start === 0 ? 1 : Number(stored.slice(1, start - 1))
}

/** A stored value as the codec made it. */
export function withoutVersion(stored: string): string {
  const start = valueStart(stored)
  return start === 0 ? stored : stored.slice(start)
}

/** Headers of changelog records; undefined for version 1, whose records have none. */
export function versionHeaders(version: number): Headers | undefined {
  return version === 1 ? undefined : new Map([[header, Buffer.from(String(version))]])
}

/** What the headers of a changelog record say. Throws `STATE_UNREADABLE` for what is no version. */
export function versionIn(headers: Headers, { topic, partition }: TopicPartition, offset: number): number {
  const value = headers.get(header)
  if (value === undefined) return 1
  const text = value === null ? 'null' : Buffer.from(value).toString('latin1')
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new MillraceError(
    'STATE_UNREADABLE',
    `${topic}[${partition}]@${offset}: its header '${header}' is '${text}', which is no version of state. Changelogs are written by their app only: find out what else writes to this one.`,
    { topic, partition, offset },
  )
}

/** The highest version that was written, by kind; kinds of which only version 1 was are left out. */
export type Versions = Readonly<Record<string, number>>

/** `versions` and another one that was written. */
export function raised(versions: Versions | undefined, kind: string, version: number): Versions | undefined {
  return version <= (versions?.[kind] ?? 1) ? versions : { ...versions, [kind]: version }
}

/** What an older program says to state of a newer one. */
export function newerState(
  what: string,
  version: number,
  known: number,
  facts: { kind: string; key?: string },
): MillraceError {
  return new MillraceError(
    'STATE_NEWER',
    `${what}: state of version ${version}, this program knows ${known}: deploy the newer program. Nothing was changed; an older program cannot go on with what a newer one has written.`,
    facts,
  )
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57
