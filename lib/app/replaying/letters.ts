import {
  holdsOptions,
  object,
  required,
  rule,
  shown,
  text,
  whole,
  checkOptions,
  type Rules,
} from '../../core/options.js'
import { isBytes } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { demandHeaders, kindOf, latestTimeMs } from '../../core/record-checks.js'
import type { Headers } from '../../core/record.js'
import { noHeaders } from '../../log/format/header-section.js'
import { headersSize, writeHeaders, type HeaderSection } from '../../log/format/record-headers.js'
import type { CarriedRecord } from '../../turn/kept/carried.js'
import type { LetterFacts } from '../../turn/failing/letter.js'

/** Which dead letters: those of which all holds that is said; `{}`: all. */
export interface LetterFilter {
  /** Name of the kind of its object. */
  readonly kind?: string
  /** Key of its object; of windows also the key without the window. */
  readonly key?: string
  /** What it failed with, such as `HANDLER_FAILED`; those that follow another have `QUARANTINED`. */
  readonly code?: string
  /** Name of the topic that its record came from. */
  readonly topic?: string
  /** Event time of its record, milliseconds since 1970: not before. */
  readonly from?: Date | number
  /** Before. */
  readonly to?: Date | number
  /** One, by its place in the dead-letter topic. */
  readonly letter?: { readonly partition: number; readonly offset: number }
}

/** A dead letter that was not sent, and why. */
export interface LeftLetter {
  /** Its place in the dead-letter topic. */
  readonly partition: number
  readonly offset: number
  /** Where its record came from, as far as the letter says. */
  readonly source: {
    readonly topic: string | undefined
    readonly partition: number | undefined
    readonly offset: number | undefined
  }
  /** Of a turn: its object, and the number of the letter among those of the object. */
  readonly kind: string | undefined
  readonly key: string | undefined
  readonly letter: number | undefined
  /** What it failed with, a code of `MillraceError`, and the sentence. */
  readonly code: string | undefined
  readonly message: string | undefined
  /** Why it was left, and what to do. */
  readonly why: string
}

/** A dead letter that is to be edited; bytes are copies. */
export interface EditableLetter extends Omit<LeftLetter, 'why'> {
  /** Event time of its record. */
  readonly timestamp: number
  /** Of its record, as they were read. */
  readonly record: { readonly key: Uint8Array | null; readonly value: Uint8Array | null; readonly headers: Headers }
}

/** What takes the place of its record; what is left out stays as it is. */
export interface EditedLetter {
  readonly key?: Uint8Array | string | null
  readonly value?: Uint8Array | string | null
  readonly headers?: Headers | Readonly<Record<string, Uint8Array | string | null>>
}

/** A time of a filter in milliseconds; NaN for what is none. */
const msOf = (time: unknown): number => (time instanceof Date ? time.getTime() : typeof time === 'number' ? time : NaN)
const time = rule('a Date, or milliseconds since 1970', (value) => Math.abs(msOf(value)) <= latestTimeMs)
const offset = whole(0, Number.MAX_SAFE_INTEGER)
const place: Rules<NonNullable<LetterFilter['letter']>> = { partition: required(whole(0)), offset: required(offset) }
const filter: Rules<LetterFilter> = {
  kind: text,
  key: rule('text', (value) => typeof value === 'string'),
  code: text,
  topic: text,
  from: time,
  to: time,
  letter: object('{ partition, offset }, its place in the dead-letter topic'),
}
const edited: Rules<EditedLetter> = {
  key: rule('bytes, well-formed text or null', isData),
  value: rule('bytes, well-formed text or null', isData),
  headers: rule('a plain object or a Map of names and values', (value) => typeof value === 'object' && value !== null),
}

function isData(value: unknown): boolean {
  return value === null || isBytes(value) || (typeof value === 'string' && value.isWellFormed())
}

/** Throws `OPTIONS_INVALID`. */
export function checkFilter(where: string, given: unknown): void {
  checkOptions(where, given, filter)
  const { letter } = given as LetterFilter
  if (letter !== undefined) checkOptions(`${where}.letter`, letter, place)
}

export function fits(wanted: LetterFilter, { partition, offset }: Place, facts: LetterFacts | undefined): boolean {
  const { kind, key, code, topic, from, to, letter } = wanted
  if (letter !== undefined && (letter.partition !== partition || letter.offset !== offset)) return false
  if (kind !== undefined && facts?.kind !== kind) return false
  if (key !== undefined && facts?.key !== key && facts?.placedBy !== key) return false
  if (code !== undefined && facts?.code !== code) return false
  if (topic !== undefined && facts?.topic !== topic) return false
  const { timestamp = NaN } = facts ?? {}
  return (from === undefined || timestamp >= msOf(from)) && (to === undefined || timestamp < msOf(to))
}

/** Where a letter is. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

export function leftLetter({ partition, offset }: Place, facts: LetterFacts | undefined, why: string): LeftLetter {
  const { topic, partition: from, offset: at, kind, key, number: letter, code, message } = facts ?? ({} as LetterFacts)
  return { partition, offset, source: { topic, partition: from, offset: at }, kind, key, letter, code, message, why }
}

/** The record as it is after an edit. Throws `OPTIONS_INVALID` and `RECORD_INVALID`. */
export function editedRecord<R extends Pick<CarriedRecord, 'key' | 'value' | 'headers'>>(
  where: string,
  record: R,
  given: unknown,
): R {
  if (!holdsOptions(given))
    throw new MillraceError(
      'OPTIONS_INVALID',
      `${where}: edit gave ${typeof given === 'string' ? shown(given) : kindOf(given)}; give { key, value, headers }, or nothing to leave the letter as it is`,
    )
  checkOptions(`${where}: edit`, given, edited)
  const { key = record.key, value = record.value, headers } = given as EditedLetter
  return {
    ...record,
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers === undefined ? record.headers : sectionOf(demandHeaders(headers, `${where}: edit`)),
  }
}

const bytesOf = (data: Uint8Array | string | null): Uint8Array | null =>
  typeof data === 'string' ? Buffer.from(data) : data && Uint8Array.prototype.slice.call(data)

function sectionOf(headers: Headers): HeaderSection {
  if (headers.size === 0) return noHeaders
  const section = Buffer.allocUnsafe(headersSize(headers))
  writeHeaders(section, 0, headers)
  return section
}
