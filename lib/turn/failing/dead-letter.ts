import { cutText, MillraceError } from '../../core/errors.js'
import { noHeaders, type OwnHeaders } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { counted, errorHeaders, fittingLetter, own, type LetterSender } from '../../log/letter-headers.js'
import type { OutputTimes } from '../../log/output-times.js'
import type { CarriedRecord, CarriedTurn } from '../kept/carried.js'
import type { WindowBounds } from '../../model/turn.js'
import type { Outbox } from '../output/outbox.js'

/** Where dead letters of an app go. */
export interface DeadLetterTarget extends LetterSender {
  readonly topic: string
  readonly partitions: number
  readonly times: OutputTimes
}

/** Appends a record to the dead-letter topic as it was read, with its coordinates and the error in headers of our own. */
export function deadLetter(outbox: Outbox, target: DeadLetterTarget, record: CarriedRecord, error: unknown): void {
  append(outbox, target, record.partition, record, headersFor(target, error, record))
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
  append(outbox, target, task, brief, headersFor(target, short, record))
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
    ...headersFor(target, error, record),
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
  const at = times.nearest(topic, record.timestamp)
  const { key, value, headers } = fittingLetter(record, ours, placeOf(record), (letter) =>
    outbox.misfit(topic, letter.key, letter.value, letter.headers, Infinity),
  )
  outbox.add(topic, partition % partitions, key, value, at, headers)
}

const placeOf = ({ topic, partition, offset }: CarriedRecord): string => `${topic}[${partition}]@${offset}`

function headersFor(sender: LetterSender, error: unknown, record: CarriedRecord): OwnHeaders {
  const { topic, partition, offset, timestamp } = record
  return [
    ...errorHeaders(sender, error),
    own('source.topic', topic),
    own('source.partition', partition),
    own('source.offset', offset),
    own('source.timestamp', timestamp),
  ]
}
