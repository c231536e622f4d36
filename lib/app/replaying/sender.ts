import type { Logger } from '../../core/logger.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import { BatchRules } from '../../log/batch-rules.js'
import { headersOf } from '../../log/format/header-section.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { CommitChannel, Fetched, LogPort, RecordCursor, TopicInfo } from '../../log/port.js'
import { inboxTopic, targetsOf } from '../../model/names.js'
import { overMark } from '../../turn/failing/dead-letter.js'
import { factsIn, letterIn, type Letter, type LetterFacts } from '../../turn/failing/letter.js'
import type { CarriedRecord } from '../../turn/kept/carried.js'
import { keyBytes, valueBytes } from '../../turn/kept/record-bytes.js'
import { closeId } from '../../turn/kept/turn-source.js'
import { packHop } from '../../turn/output/hop.js'
import { Outbox } from '../../turn/output/outbox.js'
import { editedRecord, fits, leftLetter, type LeftLetter, type Place } from './letters.js'
import { readAgain } from './read-again.js'
import type { ReplayReport, ReplaySelection } from './selection.js'
import { recordsBefore } from '../../log/client/extents.js'
import { objectName, type Span, type Survey } from './survey.js'

export interface SenderOptions {
  readonly log: LogPort
  readonly channel: CommitChannel
  readonly group: string
  /** The app. */
  readonly id: string
  readonly options: ReplaySelection
  readonly watch: ReplayWatch
  /** The dead-letter topic. */
  readonly letters: TopicInfo
}

/** Called for each letter that goes somewhere: to its object to be run or to be dropped there, or to its topic again. */
export type OnSent = (at: Place, facts: LetterFacts, what: 'replayed' | 'dropped' | 'resent') => void

/** Who wants to know more of a replay than its report. */
export interface ReplayWatch {
  readonly logger: Logger
  /** Nothing is written: what is logged says so. */
  readonly isTrial?: boolean
  readonly onSent?: OnSent
}

/** Replays fence each other by their transactional id. */
const nobody = { generationId: -1, memberId: '', withoutMembers: true } as const
const mostLeft = 1_000

type Bytes = Pick<CarriedRecord, 'key' | 'value' | 'headers'>

/** Sends letters back, a fetched answer in a transaction. */
export class Sender {
  readonly #given: SenderOptions
  readonly #rules = new BatchRules()
  readonly #counts = new Map<string, number | undefined>()
  readonly #objects = new Set<string>()
  readonly #left: LeftLetter[] = []
  #leftInAll = 0
  #replayed = 0
  #dropped = 0
  #resent = 0
  #span: Span = { topic: '', partition: 0, start: 0, position: 0, end: 0 }
  #survey: Survey | undefined
  /** Number of the last letter of each object that there was in this partition, as far as it is read from its beginning. */
  #numbers = new Map<string, { readonly series: string; readonly number: number }>()
  /** Objects of which a letter was left: none behind it is sent. */
  #blocked = new Set<string>()

  constructor(given: SenderOptions) {
    this.#given = given
  }

  get report(): ReplayReport {
    return {
      replayed: this.#replayed,
      objects: this.#objects.size,
      dropped: this.#dropped,
      resent: this.#resent,
      left: this.#left,
      leftInAll: this.#leftInAll,
    }
  }

  /** What comes next is of this partition. */
  begin(span: Span, survey: Survey): void {
    this.#span = span
    this.#survey = survey
    this.#numbers = new Map()
    this.#blocked = new Set()
  }

  async send(fetched: Fetched): Promise<void> {
    const { channel, group, options } = this.#given
    const { topic, partition, position, end } = this.#span
    const outbox = new Outbox(this.#rules, Infinity)
    for (const cursor of recordsBefore(fetched, end)) await this.#one(outbox, cursor)
    const batches = outbox.finish()
    const isPicky = options.only !== undefined || options.drop !== undefined
    const reached = Math.min(end, fetched.to)
    const moves = !isPicky && reached > position
    if (batches.length === 0 && !moves) return
    const touched = new Map(
      batches.map((to) => [`${to.topic} ${to.partition}`, { topic: to.topic, partition: to.partition }]),
    )
    await channel.begin([...touched.values()], moves ? group : undefined)
    await Promise.all(batches.map(({ batch, ...to }) => channel.append(to, batch)))
    if (moves) await channel.offsets({ ...nobody, group }, PositionMap.of([[topic, partition, reached]]).topics)
    await channel.commit()
  }

  async #one(outbox: Outbox, cursor: RecordCursor): Promise<void> {
    const at = { partition: this.#span.partition, offset: cursor.offset }
    const found = { key: keyBytes(cursor), value: valueBytes(cursor), headers: cursor.headerSection() }
    const facts = factsIn(found.headers)
    const letter = letterIn(this.#given.id, found)
    if (letter !== undefined) return this.#letter(outbox, cursor, at, letter, facts as LetterFacts)
    const survey = this.#survey as Survey
    if (!survey.isPicked(at, facts) || survey.isOver(at.offset) || facts?.over !== undefined) return
    await this.#withoutObject(outbox, cursor, at, { ...found, headers: facts?.headers ?? found.headers }, facts)
  }

  async #letter(outbox: Outbox, cursor: RecordCursor, at: Place, letter: Letter, facts: LetterFacts): Promise<void> {
    if (letter.isAgain) return
    const { kind, key, turn } = letter
    const { series, number } = turn.letter
    const name = objectName(kind, key)
    const before = this.#numbers.get(name)
    const behind = before?.series === series ? before.number : 0
    // A copy.
    if (number <= behind) return
    const survey = this.#survey as Survey
    const isWhole = survey.from === this.#span.start
    if (isWhole) this.#numbers.set(name, { series, number })
    if (!survey.sends(name, series, number, at.offset)) return
    if (this.#blocked.has(name))
      return this.#leave(at, facts, 'an earlier letter of its object was left, and none may overtake it')
    const partitions = await this.#lookUp(inboxTopic(this.#given.id, kind), 'gzip')
    const isDropped = this.#isDropped(at, facts)
    const why =
      partitions === undefined
        ? `there is no state object '${kind}' any more`
        : isDropped && turn.source === closeId
          ? 'it closes a window, which cannot be dropped: repair onClose and replay it'
          : undefined
    const record = why !== undefined || isDropped ? turn.record : await this.#record(at, letter, facts)
    if (partitions === undefined || record === undefined || why !== undefined) {
      this.#blocked.add(name)
      return this.#leave(
        at,
        facts,
        why ?? 'its record was too large for the letter, and is not in its topic any more: drop it',
      )
    }
    const sent = isDropped ? { ...record, value: null } : record
    const hop = { ...turn, record: sent, letter: { series, number, behind: isWhole ? behind : number - 1, isDropped } }
    const inbox = inboxTopic(this.#given.id, kind)
    this.#add(
      outbox,
      inbox,
      partitionOfKey(letter.placedBy, partitions),
      key,
      sent.value,
      cursor.timestamp,
      packHop(hop),
    )
    if (isDropped) return this.#drop(at, facts)
    this.#given.watch.onSent?.(at, facts, 'replayed')
    this.#replayed++
    this.#objects.add(name)
  }

  async #withoutObject(
    outbox: Outbox,
    cursor: RecordCursor,
    at: Place,
    found: Bytes,
    facts: LetterFacts | undefined,
  ): Promise<void> {
    const { id } = this.#given
    if (facts === undefined) return this.#leave(at, facts, 'it is no dead letter')
    if (facts.app !== id) return this.#leave(at, facts, `it is a dead letter of app '${facts.app ?? ''}'`)
    const { topic } = this.#span
    const name = `${topic}[${at.partition}]@${at.offset}`
    const over = (why: string): void =>
      this.#add(outbox, topic, at.partition, name, null, cursor.timestamp, overMark(id, at.offset, why))
    if (this.#isDropped(at, facts)) {
      await this.#lookUp(topic, 'gzip')
      over(`dropped: ${this.#given.options.drop?.reason ?? ''}`)
      return this.#drop(at, facts)
    }
    const edited = await this.#edit(at, facts, found)
    if (edited === undefined)
      return this.#leave(
        at,
        facts,
        facts.connector === undefined
          ? 'it has no object to go back to: edit it, drop it, or send what it should have been'
          : `it is of ${facts.connector}, and has no object to go back to: edit it, and it is written to its topic again, for all who read that; or drop it`,
      )
    const source = facts.topic ?? ''
    const partitions = isOurs(id, source) ? undefined : await this.#lookUp(source)
    if (partitions === undefined) return this.#leave(at, facts, `it cannot be sent to its topic, '${source}', any more`)
    await this.#lookUp(topic, 'gzip')
    const { partition = 0 } = facts
    // One of a source was never there: it goes where its key belongs now.
    const isNew = facts.connector?.startsWith('source ') === true
    const isMoved = edited.key !== null && (isNew || found.key === null || Buffer.compare(edited.key, found.key) !== 0)
    const to = isMoved ? partitionOfKey(edited.key, partitions) : partition % partitions
    this.#add(outbox, source, to, edited.key, edited.value, cursor.timestamp, edited.headers)
    over('sent again, edited')
    this.#given.watch.onSent?.(at, facts, 'resent')
    this.#resent++
  }

  /** The record that is sent for a letter; undefined when it is nowhere any more. */
  async #record(at: Place, { turn, isIncomplete }: Letter, facts: LetterFacts): Promise<CarriedRecord | undefined> {
    const record = isIncomplete ? await readAgain(this.#given.log, turn.record) : turn.record
    return record === undefined ? undefined : ((await this.#edit(at, facts, record)) ?? record)
  }

  async #edit<R extends Bytes>(at: Place, facts: LetterFacts, record: R): Promise<R | undefined> {
    const { edit } = this.#given.options
    if (edit === undefined) return undefined
    const { why: _why, ...letter } = leftLetter(at, facts, '')
    const copy = (bytes: Uint8Array | null): Uint8Array | null => bytes && Uint8Array.prototype.slice.call(bytes)
    const shown = { key: copy(record.key), value: copy(record.value), headers: headersOf(record.headers) }
    const where = `replayDeadLetters: ${this.#span.topic}[${at.partition}]@${at.offset}`
    let given: unknown
    try {
      given = await edit({ ...letter, timestamp: facts.timestamp ?? NaN, record: shown })
    } catch (cause) {
      throw editFailed(`${where}${nameOf(facts)} edit threw (${reasonOf(cause)})`, facts, cause)
    }
    return given === undefined ? undefined : editedRecord(where, record, given)
  }

  #isDropped(at: Place, facts: LetterFacts): boolean {
    const { drop } = this.#given.options
    return drop !== undefined && fits(drop, at, facts)
  }

  #drop({ partition, offset }: Place, facts: LetterFacts): void {
    const { logger, isTrial, onSent } = this.#given.watch
    onSent?.({ partition, offset }, facts, 'dropped')
    this.#dropped++
    const { kind, key, number, code, message } = facts
    const of = nameOf(facts)
    const { reason } = this.#given.options.drop as { readonly reason: string }
    const fields = {
      topic: this.#span.topic,
      partition,
      offset,
      kind,
      key,
      letter: number,
      code,
      error: message,
      reason,
    }
    logger.warn(
      fields,
      `dead letter ${this.#span.topic}[${partition}]@${offset}${of} ${isTrial === true ? 'would be' : 'is'} dropped: ${reason}`,
    )
  }

  #leave(at: Place, facts: LetterFacts | undefined, why: string): void {
    this.#leftInAll++
    if (this.#left.length < mostLeft) this.#left.push(leftLetter(at, facts, why))
  }

  #add(
    outbox: Outbox,
    topic: string,
    partition: number,
    key: string | Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    headers: Uint8Array,
  ): void {
    const why = outbox.misfit(topic, key, value, headers, Infinity)
    if (why !== undefined)
      throw new MillraceError('RECORD_TOO_LARGE', `a replayed dead letter to ${topic}: the record ${why}`, {
        topic,
        ...(typeof key === 'string' ? { key } : {}),
      })
    outbox.add(topic, partition, key, value, timestamp, headers)
  }

  /** How many partitions a topic has; undefined when there is none of this name. */
  async #lookUp(topic: string, compression?: 'gzip'): Promise<number | undefined> {
    if (this.#counts.has(topic)) return this.#counts.get(topic)
    const { log, letters } = this.#given
    const info = topic === this.#span.topic ? letters : (await log.admin.describe([topic])).get(topic)
    if (info !== undefined) {
      this.#rules.note(topic, info.configs)
      if (compression !== undefined) this.#rules.pack(topic, compression, info.configs)
    }
    this.#counts.set(topic, info?.partitions)
    return info?.partitions
  }
}

/** Behind the place of a letter. */
function nameOf({ kind, key, number }: LetterFacts): string {
  return kind === undefined ? '' : `, letter ${number ?? ''} of ${kind} '${key ?? ''}',`
}

/** A code of what was thrown stays. */
function editFailed(
  message: string,
  { topic, partition, offset, kind, key }: LetterFacts,
  cause: unknown,
): MillraceError {
  const facts = { topic, partition, offset, kind, key, cause }
  const known = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined))
  return new MillraceError(MillraceError.is(cause) ? cause.code : 'STEP_FAILED', message, known)
}

/** Whether nobody but the app itself may write there. */
function isOurs(app: string, topic: string): boolean {
  try {
    targetsOf(app)(topic, '')
    return topic === ''
  } catch {
    return true
  }
}
