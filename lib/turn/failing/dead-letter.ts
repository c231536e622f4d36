import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Headers } from '../../core/record.js'
import type { RecordCursor } from '../../log/port.js'
import { valueBytes } from '../kept/form.js'
import { keptOriginal, keptRecord, type KeptTurn } from '../kept/kept-turn.js'
import type { Outbox } from '../output/outbox.js'

/** Where dead letters of an app go. */
export interface DeadLetterTarget {
  readonly app: string
  /** As the app calls itself: `version` of its options. */
  readonly version: string | undefined
  readonly topic: string
  readonly partitions: number
}

/**
 * Appends a record to the dead-letter topic as it was read: key, value bytes, headers and timestamp unchanged, with its
 * coordinates and the error in headers of their own.
 */
export function deadLetter(
  outbox: Outbox,
  target: DeadLetterTarget,
  at: { readonly topic: string; readonly partition: number },
  cursor: RecordCursor,
  error: unknown,
): void {
  const { bytes, keyStart, keyEnd } = cursor
  const { topic, partition } = at
  const source = { topic, partition, offset: cursor.offset }
  const headers: Headers = new Map([...cursor.headers(), ...errorHeaders(target, error, source)])
  const key = keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd)
  outbox.add(target.topic, at.partition % target.partitions, key, valueBytes(cursor), cursor.timestamp, headers)
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number | bigint
}

/** Of a message, in a letter that must be small. */
const briefLength = 1_000

/** When the letter of a record is refused as well: it says where the record is, and what it failed with. */
export function briefLetter(
  outbox: Outbox,
  target: DeadLetterTarget,
  { topic, partition, offset }: Place,
  { code, message }: MillraceError,
  now: number,
  task = partition,
): void {
  const short = new MillraceError(code, message.slice(0, briefLength).toWellFormed())
  const headers = new Map(errorHeaders(target, short, { topic, partition, offset }))
  outbox.add(target.topic, task % target.partitions, `${topic}[${partition}]@${offset}`, null, now, headers)
}

/** Of which object a dead letter is, and how it came about. */
export interface DeadTurnFacts {
  readonly kind: string
  readonly key: string
  /** Attempts made; 0: none, it follows another. */
  readonly attempt: number
  /** Its number among those of the object, from 1 on; undefined when the object is not in quarantine for it. */
  readonly letter: number | undefined
}

/**
 * The same of a turn: with its object, and with what is needed to replay it (`millrace.turn`). Letters of one object
 * stand in one partition, in order.
 */
export function deadTurn(
  outbox: Outbox,
  target: DeadLetterTarget,
  task: number,
  turn: KeptTurn,
  error: MillraceError,
  { kind, key, attempt, letter }: DeadTurnFacts,
): void {
  const { headers, topic, partition, offset, timestamp, key: recordKey } = keptRecord(turn)
  const all: Headers = new Map([
    ...headers,
    ...errorHeaders(target, error, { topic, partition, offset }),
    ['millrace.kind', Buffer.from(kind)],
    ['millrace.key', Buffer.from(key)],
    ['millrace.input', Buffer.from(turn.source)],
    ['millrace.attempt', Buffer.from(String(attempt))],
    ...(letter === undefined ? [] : [['millrace.letter', Buffer.from(String(letter))] as const]),
    ['millrace.turn', Buffer.from(JSON.stringify(turn.form === 'o' ? { ...turn, value: '' } : turn))],
  ])
  outbox.add(target.topic, task % target.partitions, recordKey, keptOriginal(turn), timestamp, all)
}

/** A dead letter that can be replayed. */
export interface Letter {
  readonly kind: string
  readonly key: string
  readonly number: number
  readonly turn: KeptTurn
}

/** The turn in a dead letter; undefined when it is not one of a turn that can be replayed. */
export function letterIn(headers: Headers, value: Uint8Array | null): Letter | undefined {
  const text = (name: string): string | undefined => {
    const header = headers.get(`millrace.${name}`)
    return header === undefined || header === null ? undefined : Buffer.from(header).toString('utf8')
  }
  const [kind, key, number, json] = ['kind', 'key', 'letter', 'turn'].map(text)
  if (kind === undefined || key === undefined || number === undefined || json === undefined) return undefined
  const kept = JSON.parse(json) as KeptTurn
  const turn = kept.form === 'o' && value !== null ? { ...kept, value: asBuffer(value).toString('base64') } : kept
  return { kind, key, number: Number(number), turn }
}

function errorHeaders(
  { app, version }: DeadLetterTarget,
  error: unknown,
  { topic, partition, offset }: Place,
): readonly (readonly [string, Buffer])[] {
  return [
    ['millrace.app', Buffer.from(app)],
    ...(version === undefined ? [] : [['millrace.app.version', Buffer.from(version)] as const]),
    ['millrace.error.code', Buffer.from(MillraceError.is(error) ? error.code : 'VALUE_INVALID')],
    ['millrace.error.message', Buffer.from(reasonOf(error))],
    ['millrace.source.topic', Buffer.from(topic)],
    ['millrace.source.partition', Buffer.from(String(partition))],
    ['millrace.source.offset', Buffer.from(String(offset))],
  ]
}
