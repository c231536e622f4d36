import type { Clock } from '../core/clock.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import type { RecordInfo } from '../core/record.js'
import { recordCursor } from '../log/cursor.js'
import type { Fetched, RecordCursor } from '../log/port.js'
import { RecordView } from '../log/record-view.js'
import { deadLetter, type DeadLetterTarget } from './dead-letter.js'
import { decodeValue, HoppedRecord, hopKey, unpackHop } from './hop.js'
import { turn, type InboxInput, type InboxPlan, type Passage, type Pipeline, type SourcePlan } from './pipeline.js'
import type { Task } from './task.js'

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
export interface Reader {
  readonly task: Task
  readonly bytes: number
  /** Takes records until `deadline` (clock.elapsed); true when there are none left. */
  run(deadline: number): boolean
  /** Records taken so far. */
  readonly records: number
}

/** Throws `DEFINITION_INVALID` for a topic the app does not read. */
export function reader(task: Task, fetched: Fetched, surroundings: ReaderSurroundings): Reader {
  const source = surroundings.pipeline.sources.get(fetched.topic)
  if (source !== undefined) return new SourceReader(task, fetched, surroundings, source)
  const inbox = surroundings.pipeline.inboxes.get(fetched.topic)
  if (inbox !== undefined) return new InboxReader(task, fetched, surroundings, inbox)
  throw new MillraceError('DEFINITION_INVALID', `${fetched.topic} is not read by this app`, { topic: fetched.topic })
}

abstract class PartitionReader implements Reader {
  readonly task: Task
  readonly bytes: number
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

  run(deadline: number): boolean {
    const { cursor, surroundings, task } = this
    const { passage, clock } = surroundings
    passage.task = task
    passage.cursor = cursor
    let taken = 0
    let more = cursor.next()
    while (more) {
      this.take()
      taken++
      if (taken % recordsPerLook === 0 && clock.elapsed() >= deadline) break
      more = cursor.next()
    }
    this.records += taken
    task.positions.set(this.at.topic, cursor.nextOffset)
    return !more
  }

  /** One record. What it throws stops the app; its record is read again after a restart. */
  protected abstract take(): void

  protected refuse(policy: 'dead-letter' | 'skip' | 'stop', cause: unknown): void {
    const { topic, partition } = this.at
    const { offset } = this.cursor
    const refused = `${topic}[${partition}]@${offset}: the value was refused (${reasonOf(cause)})`
    const advice = policy === 'stop' ? ` Set onInvalid: 'dead-letter' or 'skip' to go on, or repair the producer.` : ''
    const error = new MillraceError('VALUE_INVALID', refused + advice, { topic, partition, offset, cause })
    if (policy === 'stop') throw error
    if (policy === 'dead-letter')
      deadLetter(this.surroundings.passage.outbox, this.surroundings.deadLetters, this.at, this.cursor, error)
    this.surroundings.onRefused(error)
  }
}

class SourceReader extends PartitionReader {
  readonly #plan: SourcePlan
  readonly #view: RecordView

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: SourcePlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#view = new RecordView()
    this.#view.bind(fetched.topic, fetched.partition, this.cursor)
  }

  protected override take(): void {
    const { topic, pushes } = this.#plan
    const { bytes, valueStart, valueEnd } = this.cursor
    let value: unknown
    try {
      value = decodeValue(topic.codec, bytes, valueStart, valueEnd)
    } catch (cause) {
      this.refuse(topic.onInvalid, cause)
      return
    }
    for (let i = 0; i < pushes.length; i++) {
      try {
        ;(pushes[i] as (typeof pushes)[number])(value, this.#view)
      } catch (error) {
        throw stepFailed(error, this.#view)
      }
    }
  }
}

/** What a stream step or a key extractor throws, with the coordinates of its record. */
function stepFailed(error: unknown, { topic, partition, offset }: RecordInfo): MillraceError {
  if (MillraceError.is(error)) return error
  const where = `${topic}[${partition}]@${offset}`
  return new MillraceError(
    'STEP_FAILED',
    `${where}: a stream step or key extractor failed (${reasonOf(error)}). Repair it and start again, the record will be read again.`,
    {
      topic,
      partition,
      offset: Number(offset),
      cause: error,
    },
  )
}

class InboxReader extends PartitionReader {
  readonly #plan: InboxPlan
  readonly #record: HoppedRecord

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: InboxPlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#record = new HoppedRecord(fetched.topic, fetched.partition)
  }

  protected override take(): void {
    const { kind, kindIndex } = this.#plan
    let found: { readonly input: InboxInput; readonly value: unknown }
    try {
      found = this.#read()
    } catch (cause) {
      this.refuse('dead-letter', cause)
      return
    }
    const table = this.task.state?.tables[kindIndex]
    if (table === undefined)
      throw new MillraceError(
        'TOPIC_MISMATCH',
        `${this.at.topic}[${this.at.partition}] has no state partition of that index`,
        this.at,
      )
    const key = hopKey(this.cursor)
    const entry = table.cached(key) ?? table.load(key)
    turn(kind, found.input.input, table, entry, found.value, this.#record, this.surroundings.passage)
  }

  #read(): { readonly input: InboxInput; readonly value: unknown } {
    const { form, inputId } = this.#record.read(this.cursor)
    const input = this.#plan.inputs.get(inputId)
    const codec = input?.codecs.get(this.#record.topic)
    if (input === undefined || codec === undefined) {
      throw new MillraceError(
        'VALUE_INVALID',
        `it hopped for input '${inputId}', which state object '${this.#plan.kind.name}' no longer has`,
        { kind: this.#plan.kind.name },
      )
    }
    return { input, value: unpackHop(form, codec, this.cursor) }
  }
}
