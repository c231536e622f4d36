import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf, type ErrorCode } from '../../core/errors.js'
import { RecordRefused } from '../../core/record-refused.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, RecordCursor } from '../../log/port.js'
import type { InvalidPolicy } from '../../model/stream.js'
import { deadLetter, type DeadLetterTarget } from '../../turn/failing/dead-letter.js'
import type { TimeOrigin } from '../../turn/due/stream-time.js'
import type { Passage } from './passage.js'
import type { Pipeline } from './pipeline.js'
import type { Task } from '../tasks/task.js'

/** Records between two looks at the clock: 64 of 1 µs each against 40 ns for the look. */
const recordsPerLook = 64

/** What readers share. */
export interface ReaderSurroundings {
  readonly pipeline: Pipeline
  readonly passage: Passage
  readonly deadLetters: DeadLetterTarget
  readonly clock: Clock
  /** A record was refused; already handled as its policy says. */
  readonly onRefused: (error: unknown) => void
}

/** Walks one fetched answer through the pipeline, in slices. */
export abstract class Reader {
  readonly task: Task
  readonly bytes: number
  /** Records taken so far. */
  records = 0
  protected readonly at: { readonly topic: string; readonly partition: number }
  protected readonly cursor: RecordCursor
  protected readonly surroundings: ReaderSurroundings

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings) {
    this.task = task
    this.bytes = fetched.bytes.length
    this.at = { topic: fetched.topic, partition: fetched.partition }
    this.cursor = recordCursor(fetched)
    this.surroundings = surroundings
  }

  /** Takes records until `deadline` (clock.elapsed), or until as many turns as may be are under way; true when there are none left. */
  run(deadline: number): boolean {
    const { cursor, surroundings, task } = this
    const { passage, clock } = surroundings
    const { flights } = passage.turns
    passage.task = task
    passage.cursor = cursor
    let taken = 0
    let more = cursor.next()
    while (more) {
      this.take()
      taken++
      if (flights.full || (taken % recordsPerLook === 0 && clock.elapsed() >= deadline)) break
      more = cursor.next()
    }
    this.records += taken
    task.positions.set(this.at.topic, cursor.nextOffset)
    return !more
  }

  /** One record. What it throws stops the app, its record is read again after a restart; but for `Redo`. */
  protected abstract take(): void

  protected refuse(policy: InvalidPolicy, cause: unknown, what: string, code: ErrorCode): void {
    this.refuseFor(policy, new RecordRefused(code, `${what} (${reasonOf(cause)})`, { cause }))
  }

  protected refuseFor(policy: InvalidPolicy, { code, message, facts }: RecordRefused): void {
    const { topic, partition } = this.at
    const { offset } = this.cursor
    const advice = policy === 'stop' ? ` Set onInvalid: 'dead-letter' or 'skip' to go on, or repair what is wrong.` : ''
    const sentence = `${topic}[${partition}]@${offset}: ${message.replace(/\.?$/, '.')}${advice}`
    this.#refuse(policy, new MillraceError(code, sentence, { ...facts, topic, partition, offset }))
  }

  #refuse(policy: InvalidPolicy, error: MillraceError): void {
    if (policy === 'stop') throw error
    if (policy === 'dead-letter')
      deadLetter(this.surroundings.passage.outbox, this.surroundings.deadLetters, this.at, this.cursor, error)
    this.surroundings.onRefused(error)
  }

  /**
   * Where the timestamps of a source partition are noted, as they come through what is read here; undefined when they are
   * event time to nobody here.
   */
  protected timeOf(timed: boolean, topic: string, partition: number): TimeOrigin | undefined {
    return timed ? this.task.agenda?.time?.origin(this.at.topic, topic, partition) : undefined
  }
}
