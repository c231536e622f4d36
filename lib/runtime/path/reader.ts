import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf, type ErrorCode } from '../../core/errors.js'
import { RecordRefused } from '../../core/record-refused.js'
import { isHeard, publish, type DiagnosticEvents } from '../../core/telemetry/channels.js'
import { noHeaders } from '../../log/format/header-section.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, RecordCursor } from '../../log/port.js'
import type { InvalidPolicy } from '../../model/stream.js'
import { briefLetter, deadLetter, type DeadLetterTarget } from '../../turn/failing/dead-letter.js'
import type { CarriedRecord } from '../../turn/kept/carried.js'
import type { Awaiting } from '../../turn/inputs/awaiting.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import { recordName, type Culprit, type Culprits } from './culprits.js'
import type { Passage } from './passage.js'
import type { Pipeline } from './pipeline.js'
import type { WaitingPartition } from '../watch/waiting-partition.js'
import type { Task } from '../tasks/task.js'

/** Records between two looks at the clock: 64 of 1 µs each against 40 ns for the look. */
const recordsPerLook = 64

/** What readers share. */
export interface ReaderSurroundings {
  readonly pipeline: Pipeline
  readonly passage: Passage
  readonly deadLetters: DeadLetterTarget
  readonly culprits: Culprits
  readonly clock: Clock
  /** Something that a record waited for has come. */
  readonly onAwaited: () => void
  /** A record was refused; already handled as its policy says. */
  readonly onRefused: (error: MillraceError, policy: InvalidPolicy) => void
}

/** Walks one fetched answer through the pipeline, in slices. */
export abstract class Reader {
  readonly task: Task
  readonly bytes: number
  /** Records taken so far. */
  records = 0
  /** Those of them that the app has written for itself, to be read by nobody else. */
  marks = 0
  /** Some turns of the record it stands on are still to be run. */
  inRecord = false
  /** It stands before a record that cannot be decoded yet, since this time. */
  #standsSince: number | undefined
  /** What that record needs has been asked for, and has not come yet. */
  #waitsFor: Promise<void> | undefined
  /** Of the record taken last. */
  lastOffset = -1
  readonly at: { readonly topic: string; readonly partition: number }
  /** What records must be asked for before they are decoded; undefined for most topics. */
  protected awaited: Awaiting | undefined = undefined
  protected readonly cursor: RecordCursor
  protected readonly surroundings: ReaderSurroundings

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings) {
    this.task = task
    this.bytes = fetched.bytes.length
    this.at = { topic: fetched.topic, partition: fetched.partition }
    this.cursor = recordCursor(fetched)
    this.surroundings = surroundings
  }

  /** Whose turns its records may lead to. */
  protected abstract get feeds(): readonly TurnSource[]

  /** Of something that it feeds nothing more may be read for now. */
  get isHeld(): boolean {
    if (this.#waitsFor !== undefined) return true
    const { feeds } = this
    for (let i = 0; i < feeds.length; i++) if ((feeds[i] as TurnSource).room.isHeld) return true
    return false
  }

  /**
   * Takes records until `deadline` (clock.elapsed), until it has taken `most`, or until it is held; true when there are none
   * left.
   */
  run(deadline: number, most: number): boolean {
    const { cursor, surroundings, task } = this
    const { passage, clock } = surroundings
    const { turns } = passage
    const { flights } = turns
    passage.task = task
    passage.cursor = cursor
    const culprits = surroundings.culprits.none ? undefined : surroundings.culprits
    const { unfinished } = passage.turns
    const mustStop = (): boolean => (flights.anyHeld && this.isHeld) || clock.elapsed() >= deadline
    let taken = 0
    let nextLook = Math.min(recordsPerLook, most)
    const { awaited } = this
    let last = this.lastOffset
    let more = this.inRecord || this.#standsSince !== undefined || this.#next()
    while (more) {
      if (awaited !== undefined && !this.inRecord && this.#mustWait(awaited)) break
      last = cursor.offset
      if (this.inRecord) this.inRecord = false
      else if (culprits === undefined) this.take()
      else this.#takeUnlessIn(culprits)
      if (!unfinished.none && !unfinished.run(mustStop)) {
        this.inRecord = true
        break
      }
      taken++
      if (turns.isInterrupted || (flights.anyHeld && this.isHeld)) break
      if (taken === nextLook) {
        if (taken === most || clock.elapsed() >= deadline) break
        nextLook = Math.min(taken + recordsPerLook, most)
      }
      more = this.#next()
    }
    this.records += taken
    this.lastOffset = last
    const isBefore = this.inRecord || this.#standsSince !== undefined
    task.positions.set(this.at.topic, isBefore ? cursor.offset : cursor.nextOffset)
    if (taken > 0) task.lastTimes.set(this.at.topic, cursor.timestamp)
    return !more
  }

  /** Why it waits, when there is trouble with it. */
  get waiting(): WaitingPartition | undefined {
    const reason = this.#waitsFor && this.awaited?.trouble
    if (reason === undefined || this.#standsSince === undefined) return undefined
    const where = `${this.at.topic}[${this.at.partition}]@${this.cursor.offset}`
    return {
      ...this.at,
      since: this.#standsSince,
      reason: `${where}: the next record waits, nothing is lost: ${reason}`,
    }
  }

  /** Whether the record that it stands on cannot be decoded yet. Whoever reads it on when it can be asks again. */
  #mustWait(awaited: Awaiting): boolean {
    const missing = awaited.missing()
    if (missing === undefined) {
      this.#standsSince = undefined
      return false
    }
    const { clock, onAwaited } = this.surroundings
    this.#standsSince ??= clock.now()
    this.#waitsFor = missing.then(() => {
      this.#waitsFor = undefined
      onAwaited()
    })
    return true
  }

  /** Moves to the next record; passes over a batch that cannot be read, where its topic says what to do then. */
  #next(): boolean {
    const { cursor } = this
    for (;;) {
      const offset = cursor.nextOffset
      try {
        return cursor.next()
      } catch (error) {
        if (this.onUnreadable === undefined || !MillraceError.is(error, 'BATCH_CORRUPT') || !cursor.skipBatch())
          throw error
        this.#refuseBatch(this.onUnreadable, offset, error)
      }
    }
  }

  /** What becomes of batches that cannot be read; undefined where only this app writes: then something is broken. */
  protected get onUnreadable(): InvalidPolicy | undefined {
    return undefined
  }

  #refuseBatch(policy: InvalidPolicy, offset: number, cause: MillraceError): void {
    const { at, cursor, surroundings } = this
    const what = `${cause.message} What is in this batch from ${offset} to ${cursor.nextOffset - 1} was passed over.`
    const error = new MillraceError('BATCH_CORRUPT', policy === 'stop' ? cause.message : what, { ...at, offset, cause })
    const timestamp = surroundings.clock.now()
    this.#refuse(policy, { ...at, offset, timestamp, key: null, value: null, headers: noHeaders }, error, true)
  }

  #takeUnlessIn(culprits: Culprits): void {
    const { topic, partition } = this.at
    const culprit = culprits.pass(recordName(topic, partition, this.cursor.offset))
    if (culprit === undefined) this.take()
    else this.setAside(culprit)
  }

  /** Instead of `take`, of a record for which a broker has refused what was written. */
  protected abstract setAside(culprit: Culprit): void

  /** One record. What it throws stops the app, its record is read again after a restart; but for `Redo`. */
  protected abstract take(): void

  /** The record that is taken, as it was in its source. */
  protected abstract record(): CarriedRecord

  protected refuse(policy: InvalidPolicy, cause: unknown, what: string, code: ErrorCode): void {
    this.refuseFor(policy, new RecordRefused(code, `${what} (${reasonOf(cause)})`, { cause }))
  }

  /** `brief`: its dead letter says where it is, and no more. */
  protected refuseFor(policy: InvalidPolicy, { code, message, facts }: RecordRefused, brief = false): void {
    const record = this.record()
    const { topic, partition, offset } = record
    const advice = policy === 'stop' ? ` Set onInvalid: 'dead-letter' or 'skip' to go on, or repair what is wrong.` : ''
    const sentence = `${topic}[${partition}]@${offset}: ${message.replace(/\.?$/, '.')}${advice}`
    this.#refuse(policy, record, new MillraceError(code, sentence, { ...facts, topic, partition, offset }), brief)
  }

  #placeOf({
    topic,
    partition,
    offset,
  }: MillraceError): Pick<DiagnosticEvents['millrace:refused'], 'app' | 'topic' | 'partition' | 'offset'> {
    return { app: this.surroundings.deadLetters.app, topic, partition, offset }
  }

  #refuse(policy: InvalidPolicy, record: CarriedRecord, error: MillraceError, brief: boolean): void {
    const { passage, deadLetters, onRefused } = this.surroundings
    if (policy === 'stop') throw error
    const { now, refusedBy, lettersBy } = passage.counts
    now.refused++
    refusedBy.add(error.code)
    if (isHeard('millrace:refused')) publish('millrace:refused', { ...this.#placeOf(error), policy, error })
    if (policy === 'skip') now.skipped++
    else {
      now.deadLetters++
      lettersBy.add(error.code)
      if (isHeard('millrace:dead-letter'))
        publish('millrace:dead-letter', { ...this.#placeOf(error), kind: error.kind, key: error.key, error })
      if (brief) briefLetter(passage.outbox, deadLetters, record, error)
      else deadLetter(passage.outbox, deadLetters, record, error)
    }
    onRefused(error, policy)
  }
}
