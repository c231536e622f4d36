import { isBytes } from '../../core/bytes.js'
import { cutText } from '../../core/errors.js'
import { demandHeaders, demandKeyFor } from '../../core/record-checks.js'
import { noHeaders } from '../../log/format/header-section.js'
import { headersSize, writeHeaders, type HeaderSection } from '../../log/format/record-headers.js'
import { errorHeaders, fittingLetter, own, type LetterContent } from '../../log/letter-headers.js'
import { misfit } from '../../log/record-size.js'
import type { CheckedRecord } from './record-check.js'
import { read } from './record-check.js'
import type { Setting } from './setting.js'

/** Where a record of a source came from. */
export interface Origin {
  /** Of the connector. */
  readonly partition: string
  readonly at: string | undefined
  readonly id: string | undefined
  /** Of the topic that it was to go to. */
  readonly toPartition: number
}

/** Characters of where a record came from. */
const longestAt = 1_000

export function atOf(record: unknown): string | undefined {
  const at = read(record, 'at')
  return typeof at === 'string' ? cutText(at, longestAt) : undefined
}

/**
 * The dead letter of a record that a topic was not to have: what the connector gave, as far as it has a form, with where it came from.
 * `source.topic` is the topic that it was to go to, so that it can be sent there once it is edited.
 */
export function sourceLetter(
  setting: Setting,
  letters: string,
  record: LetterContent,
  error: unknown,
  origin: Origin,
): LetterContent {
  const { source, into, rules, clock } = setting
  const { partition, at, id, toPartition } = origin
  const ours = [
    ...errorHeaders(setting, error),
    own('source.topic', into.name),
    own('source.partition', toPartition),
    own('source.offset', -1),
    own('source.timestamp', clock.now()),
    own('source.name', source),
    own('source.part', partition),
    ...(at === undefined ? [] : [own('source.at', at)]),
    ...(id === undefined ? [] : [own('source.id', id)]),
  ]
  const place = `${source}[${partition}]${at === undefined ? '' : ` ${at}`}`
  const rule = rules.of(letters)
  return fittingLetter(record, ours, place, ({ key, value, headers }) => misfit(rule, Infinity, key, value, headers))
}

/** What there is of a record that was refused before it had a form. */
export function contentOf({ into }: Setting, record: unknown): LetterContent {
  return {
    key: keyOf(into.keys, read(record, 'key')),
    value: valueOf(record),
    headers: headersOf(read(record, 'headers')),
  }
}

export const contentOfChecked = ({ key, value, headers }: CheckedRecord): LetterContent => ({
  key,
  value,
  headers: headers === undefined ? noHeaders : sectionOf(headers),
})

function keyOf(keys: Parameters<typeof demandKeyFor>[0], key: unknown): string | Uint8Array | null {
  try {
    return key === undefined ? null : demandKeyFor(keys, key, '')
  } catch {
    return typeof key === 'string' ? key.toWellFormed() : null
  }
}

/** As bytes, as text, or as JSON, whichever it has. */
function valueOf(record: unknown): string | Uint8Array | null {
  const bytes = read(record, 'bytes')
  if (isBytes(bytes)) return Buffer.from(bytes)
  const isRecord = typeof record === 'object' && record !== null
  const value = isRecord ? read(record, 'value') : record
  if (isBytes(value)) return Buffer.from(value)
  if (typeof value === 'string') return value.toWellFormed()
  try {
    const text = JSON.stringify(value, (_name, part: unknown) =>
      typeof part === 'bigint' ? String(part) : part,
    ) as unknown
    return typeof text === 'string' ? text.toWellFormed() : null
  } catch {
    return null
  }
}

function headersOf(headers: unknown): HeaderSection {
  try {
    return headers === undefined ? noHeaders : sectionOf(demandHeaders(headers, ''))
  } catch {
    return noHeaders
  }
}

function sectionOf(headers: ReadonlyMap<string, Uint8Array | null>): HeaderSection {
  if (headers.size === 0) return noHeaders
  const section = Buffer.allocUnsafe(headersSize(headers))
  writeHeaders(section, 0, headers)
  return section
}
