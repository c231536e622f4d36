import { asBuffer } from '../../core/bytes.js'
import type { Headers } from '../../core/record.js'
import { lastHeader, split } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { CarriedRecord, CarriedTurn, ReplayedLetter } from '../kept/carried.js'
import { countName, incompleteName, ownPrefix } from '../../log/letter-headers.js'

/** A dead letter that can be replayed. */
export interface Letter {
  readonly kind: string
  readonly key: string
  /** The key that says in which partition the object is: that without its window. */
  readonly placedBy: string
  /** As it is replayed when nothing is known of others of its object. */
  readonly turn: CarriedTurn & { readonly letter: ReplayedLetter }
  /** It only says that an earlier one has failed again, which is the one to be replayed. */
  readonly isAgain: boolean
  /** There was no room for the record: it is where it came from, if it still is. */
  readonly isIncomplete: boolean
}

/** What a dead letter says of itself, whichever app it is of, as far as it says it. */
export interface LetterFacts {
  readonly app: string | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  /** Where its record came from. */
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
  /** Event time of its record. */
  readonly timestamp: number | undefined
  /** When the letter was written, by the clock of who wrote it; letters of older versions do not say it. */
  readonly written: number | undefined
  readonly kind: string | undefined
  readonly key: string | undefined
  /** Of an object that has a window in its key, the key without it. */
  readonly placedBy: string | undefined
  readonly number: number | undefined
  readonly series: string | undefined
  readonly isAgain: boolean
  /** The source or the sink of the app that could not write it: `sink 'rows'`. */
  readonly connector: string | undefined
  /** It is no letter, but says that the one at this offset of its partition needs nothing any more. */
  readonly over: number | undefined
  /** The headers of its record. */
  readonly headers: HeaderSection
}

/** Undefined for a record that is no dead letter of ours. */
export function factsIn(section: HeaderSection): LetterFacts | undefined {
  const [headers, ours] = ownHeaders(section) ?? []
  if (headers === undefined || ours === undefined) return undefined
  const text = (name: string): string | undefined => textIn(ours, name)
  const number = (name: string): number | undefined => numberIn(text(name))
  return {
    app: text('app'),
    code: text('error.code'),
    message: text('error.message'),
    topic: text('source.topic'),
    partition: number('source.partition'),
    offset: number('source.offset'),
    timestamp: number('source.timestamp'),
    written: number('written'),
    kind: text('kind'),
    key: text('key'),
    placedBy: placedBy(text('key'), text('window')),
    number: number('letter'),
    series: text('letter.series'),
    isAgain: text('letter.again') !== undefined,
    connector: connectorIn(text('source.name'), text('sink')),
    over: number('letter.over'),
    headers,
  }
}

function placedBy<K extends string | undefined>(key: K, window: string | undefined): K {
  return window !== undefined && key?.endsWith(`|${window}`) === true ? (key.slice(0, -window.length - 1) as K) : key
}

function connectorIn(source: string | undefined, sink: string | undefined): string | undefined {
  return sink !== undefined ? `sink '${sink}'` : source !== undefined ? `source '${source}'` : undefined
}

function textIn(ours: Headers, name: string): string | undefined {
  const value = ours.get(ownPrefix + name)
  return value === undefined || value === null ? undefined : asBuffer(value).toString('utf8')
}

/** The turn in a dead letter; undefined when it is not one of a turn of this app that can be replayed. */
export function letterIn(app: string, found: Pick<CarriedRecord, 'key' | 'value' | 'headers'>): Letter | undefined {
  const [headers, ours] = ownHeaders(found.headers) ?? []
  if (headers === undefined || ours === undefined) return undefined
  const text = (name: string): string | undefined => textIn(ours, name)
  const texts = ['kind', 'key', 'input', 'source.topic', 'letter.series'].map(text)
  const numbers = ['letter', 'source.partition', 'source.offset', 'source.timestamp'].map((name) =>
    numberIn(text(name)),
  )
  const ways = (text('way') ?? '').split(' ').map(numberIn)
  if (text('app') !== app || ways.length !== 2) return undefined
  if (!isWhole(texts) || !isWhole(numbers) || !isWhole(ways)) return undefined
  const [kind, key, source, topic, series] = texts as [string, string, string, string, string]
  const [number, partition, offset, timestamp] = numbers as [number, number, number, number]
  const [way, element] = ways as [number, number]
  const record = { topic, partition, offset, timestamp, key: found.key, value: found.value, headers }
  const letter = { series, number, behind: number - 1, isDropped: false }
  const turn = { source, record, way, element, letter, streamTime: streamTimeIn(text('stream.time')) }
  const isAgain = text('letter.again') !== undefined
  return { kind, key, placedBy: placedBy(key, text('window')), turn, isAgain, isIncomplete: ours.has(incompleteName) }
}

function isWhole<T>(fields: readonly (T | undefined)[]): fields is readonly T[] {
  return !fields.includes(undefined)
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,16}$/.test(text) ? Number(text) : undefined
}

/** It has none before event time has begun; letters of objects without sessions say nothing of it. */
function streamTimeIn(text: string | undefined): number | undefined {
  return text === String(-Infinity) ? -Infinity : numberIn(text)
}

/** Those of its record, and ours by name; undefined when it is no dead letter of ours. */
export function ownHeaders(section: HeaderSection): readonly [HeaderSection, Headers] | undefined {
  const value = lastHeader(section, countName)
  const number = value ? numberIn(asBuffer(value).toString('latin1')) : undefined
  return number !== undefined && number > 0 ? split(section, number) : undefined
}
