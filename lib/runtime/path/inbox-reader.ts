import { MillraceError } from '../../core/errors.js'
import type { Fetched } from '../../log/port.js'
import { deliver } from '../../turn/deliver.js'
import { outOfForm, valueBytes, type Form } from '../../turn/kept/form.js'
import { HoppedRecord, hopKey } from '../../turn/output/hop.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import type { Origin } from '../../turn/running/work.js'
import type { Culprit } from './culprits.js'
import type { InboxPlan } from './pipeline.js'
import { Reader, type ReaderSurroundings } from './reader.js'
import type { Task } from '../tasks/task.js'

/** Reads an inbox: values whose objects are in this partition, from wherever they came. */
export class InboxReader extends Reader {
  readonly #plan: InboxPlan
  readonly #record: HoppedRecord
  readonly #origin: Origin
  #form: Form = 'o'

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: InboxPlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#record = new HoppedRecord(fetched.topic, fetched.partition)
    this.#origin = {
      original: () =>
        this.#form === 'o'
          ? { bytes: valueBytes(this.cursor), changed: false }
          : { bytes: this.#record.original, changed: true },
    }
  }

  protected override setAside(culprit: Culprit): void {
    this.surroundings.passage.turns.failing(culprit, () => this.take())
  }

  protected override take(): void {
    const { kindIndex, timed } = this.#plan
    const record = this.#record
    let source: TurnSource
    let value: unknown
    try {
      source = this.#source()
      const { bytes, valueStart, valueEnd } = this.cursor
      value = this.#value(source, bytes, valueStart, valueEnd)
    } catch (cause) {
      this.refuse('dead-letter', cause, 'the value was refused', 'VALUE_INVALID')
      return
    }
    const { agenda } = this.task
    const table = agenda?.state.tables[kindIndex]
    if (agenda === undefined || table === undefined)
      throw new MillraceError(
        'TOPIC_MISMATCH',
        `${this.at.topic}[${this.at.partition}] has no state partition of that index`,
        this.at,
      )
    const { turns, failures } = this.surroundings.passage
    const { letter } = record
    const delivery = { source, agenda, table, key: hopKey(this.cursor), value, record, origin: this.#origin, letter }
    deliver(delivery, turns, failures)
    this.timeOf(timed && letter === undefined, record.topic, record.partition)?.see(record.timestamp)
  }

  #source(): TurnSource {
    const { form, inputId } = this.#record.read(this.cursor)
    this.#form = form
    const source = this.#plan.inputs.get(inputId)
    if (source !== undefined) return source
    throw new MillraceError(
      'VALUE_INVALID',
      `it hopped for input '${inputId}', which state object '${this.#plan.kind.name}' no longer has`,
      { kind: this.#plan.kind.name },
    )
  }

  #value(source: TurnSource, bytes: Buffer, start: number, end: number): unknown {
    if (this.#form !== 'o') return outOfForm(this.#form, undefined, bytes, start, end)
    const { topic } = this.#record
    const codec = source.codecs.get(topic)
    if (codec === undefined)
      throw new MillraceError('VALUE_INVALID', `input '${source.id}' no longer reads ${topic}, whose codec it needs`)
    return outOfForm('o', codec, bytes, start, end)
  }
}
