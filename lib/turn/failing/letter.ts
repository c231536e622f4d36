import { asBuffer } from '../../core/bytes.js'
import type { Headers } from '../../core/record.js'
import { lastHeader, split } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { CarriedRecord, CarriedTurn } from '../kept/carried.js'
import { countName, incompleteName, ownPrefix } from './dead-letter.js'

/** A dead letter that can be replayed. */
export interface Letter {
  readonly kind: string
  readonly key: string
  /** The key that says in which partition the object is: that without its window. */
  readonly placedBy: string
  readonly number: number
  readonly turn: CarriedTurn
  /** There was no room for the record: it is where it came from, if it still is. */
  readonly isIncomplete: boolean
}

/** The turn in a dead letter; undefined when it is not one of a turn of this app that can be replayed. */
export function letterIn(app: string, letter: Pick<CarriedRecord, 'key' | 'value' | 'headers'>): Letter | undefined {
  const [headers, ours] = ownHeaders(letter.headers) ?? []
  if (headers === undefined || ours === undefined) return undefined
  const text = (name: string): string | undefined => {
    const value = ours.get(ownPrefix + name)
    return value === undefined || value === null ? undefined : asBuffer(value).toString('utf8')
  }
  const texts = ['kind', 'key', 'input', 'source.topic'].map(text)
  const numbers = ['letter', 'source.partition', 'source.offset', 'source.timestamp'].map((name) =>
    numberIn(text(name)),
  )
  const ways = (text('way') ?? '').split(' ').map(numberIn)
  if (text('app') !== app || ways.length !== 2) return undefined
  if (!isWhole(texts) || !isWhole(numbers) || !isWhole(ways)) return undefined
  const [kind, key, source, topic] = texts as [string, string, string, string]
  const [number, partition, offset, timestamp] = numbers as [number, number, number, number]
  const [way, element] = ways as [number, number]
  const record = { topic, partition, offset, timestamp, key: letter.key, value: letter.value, headers }
  const turn = { source, record, way, element, letter: number, streamTime: streamTimeIn(text('stream.time')) }
  const window = text('window')
  const placedBy = window !== undefined && key.endsWith(`|${window}`) ? key.slice(0, -window.length - 1) : key
  return { kind, key, placedBy, number, turn, isIncomplete: ours.has(incompleteName) }
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
