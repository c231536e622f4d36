import { stackWithCauses } from '../../core/error-fields.js'
import { cutText, MillraceError, reasonOf } from '../../core/errors.js'
import { noHeaders, surrounded, type OwnHeaders } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { CarriedRecord, CarriedTurn } from '../kept/carried.js'
import type { WindowBounds } from '../../model/turn.js'
import type { Outbox } from '../output/outbox.js'
import type { OutputTimes } from '../output/output-times.js'

/** Where dead letters of an app go. */
export interface DeadLetterTarget {
  readonly app: string
  /** As the app calls itself: `version` of its options. */
  readonly version: string | undefined
  readonly topic: string
  readonly partitions: number
  readonly times: OutputTimes
}

/**
 * Headers of a dead letter that are ours begin with this. They come last, so that whoever asks for the last of a name finds
 * ours, and the very last says how many they are: what stands before them is the record's own, whatever its names.
 */
export const ownPrefix = 'millrace.'
export const countName = `${ownPrefix}headers`
/** Left out first where a letter is too large for its topic. */
const stackName = `${ownPrefix}error.stack`
export const incompleteName = `${ownPrefix}incomplete`

/** Appends a record to the dead-letter topic as it was read, with its coordinates and the error in headers of our own. */
export function deadLetter(outbox: Outbox, target: DeadLetterTarget, record: CarriedRecord, error: unknown): void {
  append(outbox, target, record.partition, record, errorHeaders(target, error, record))
}

/** Of a message, in a letter that must be small. */
const briefLength = 1_000

/** When the letter of a record is too large or refused as well: it says where the record is, and what it failed with. */
export function briefLetter(
  outbox: Outbox,
  target: DeadLetterTarget,
  record: CarriedRecord,
  { code, message }: MillraceError,
  task = record.partition,
): void {
  const short = new MillraceError(code, cutText(message, briefLength))
  const brief = { ...record, key: Buffer.from(placeOf(record)), value: null, headers: noHeaders }
  append(outbox, target, task, brief, errorHeaders(target, short, record))
}

/** Of which object a dead letter is, and how it came about. */
export interface DeadTurnFacts {
  readonly kind: string
  readonly key: string
  /** At the end of its key, of windows that are objects of their own. */
  readonly window: WindowBounds | undefined
  /** Attempts made; 0: none, it follows another. */
  readonly attempt: number
  /** Undefined when the object is not in quarantine for it. */
  readonly letter: NumberedLetter | undefined
}

/** Which of the dead letters of its object one is. */
export interface NumberedLetter {
  readonly series: string
  /** From 1 on. */
  readonly number: number
  /** It was replayed and has failed again: the letter that was replayed is the one to be replayed. */
  readonly isAgain: boolean
}

/** The same of a turn: with its object, and with what is needed to replay it. Letters of one object stand in one partition, in order. */
export function deadTurn(
  outbox: Outbox,
  target: DeadLetterTarget,
  task: number,
  { source, record, way, element, streamTime }: CarriedTurn,
  error: MillraceError,
  { kind, key, window, attempt, letter }: DeadTurnFacts,
): void {
  append(outbox, target, task, record, [
    ...errorHeaders(target, error, record),
    own('kind', kind),
    own('key', key),
    ...(window === undefined ? [] : [own('window', `${window.start}|${window.end}`)]),
    own('input', source),
    own('attempt', attempt),
    ...(letter === undefined ? [] : [own('letter', letter.number), own('letter.series', letter.series)]),
    ...(letter?.isAgain === true ? [own('letter.again', 'true')] : []),
    own('way', `${way} ${element}`),
    ...(streamTime === undefined ? [] : [own('stream.time', streamTime)]),
  ])
}

/** Says that a letter without an object needs nothing any more: it stands behind it, in the same partition. */
export function overMark(app: string, offset: number, why: string): HeaderSection {
  return counted(noHeaders, [own('app', app), own('letter.over', offset), own('letter.why', why)])
}

function append(
  outbox: Outbox,
  target: DeadLetterTarget,
  partition: number,
  record: CarriedRecord,
  ours: OwnHeaders,
): void {
  const { topic, partitions, times } = target
  const { key, value, headers, timestamp } = record
  const at = times.nearest(topic, timestamp)
  const section = counted(headers, ours)
  const why = outbox.misfit(topic, key, value, section, Infinity)
  if (why === undefined) return outbox.add(topic, partition % partitions, key, value, at, section)
  const withoutStack = ours.filter(([name]) => name !== stackName)
  if (withoutStack.length < ours.length) return append(outbox, target, partition, record, withoutStack)
  const small = ours.filter(([, { length }]) => length <= longestOwn)
  const brief = counted(noHeaders, [...small, own('incomplete', `the record ${why}: read it where it came from`)])
  outbox.add(topic, partition % partitions, placeOf(record), null, at, brief)
}

/** Ours behind those of the record, and how many they are. */
function counted(headers: HeaderSection, ours: OwnHeaders): HeaderSection {
  return surrounded([], headers, [...ours, [countName, Buffer.from(String(ours.length + 1))]])
}

const placeOf = ({ topic, partition, offset }: CarriedRecord): string => `${topic}[${partition}]@${offset}`

function errorHeaders(
  { app, version }: DeadLetterTarget,
  error: unknown,
  { topic, partition, offset, timestamp }: CarriedRecord,
): OwnHeaders {
  const stack = stackOf(error)
  return [
    own('app', app),
    ...(version === undefined ? [] : [own('app.version', version)]),
    own('error.code', MillraceError.is(error) ? error.code : 'VALUE_INVALID'),
    own('error.message', cutText(reasonOf(error), longestMessage)),
    ...(stack === undefined ? [] : [own('error.stack', stack)]),
    own('source.topic', topic),
    own('source.partition', partition),
    own('source.offset', offset),
    own('source.timestamp', timestamp),
  ]
}

/** Of what was thrown, with its causes; that of our own error beside it would say nothing. */
function stackOf(error: unknown): string | undefined {
  const thrown = MillraceError.is(error) ? error.cause : error
  return thrown === undefined ? undefined : stackWithCauses(thrown, longestStack)
}

const own = (name: string, value: string | number): readonly [string, Uint8Array] => [
  ownPrefix + name,
  Buffer.from(String(value)),
]

/** Characters of a message that a letter carries. */
const longestMessage = 4_096

/** Characters of the stacks of an error and its causes. */
const longestStack = 8_192

/** Bytes of a header of ours in a letter that must be small: only keys of objects can have more. */
const longestOwn = 4 * longestMessage
