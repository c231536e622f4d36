import { MillraceError } from '../../core/errors.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { Fetched } from '../../log/port.js'
import { deliver } from '../../turn/deliver.js'
import { carriedRecord, type CarriedRecord } from '../../turn/kept/carried.js'
import { valueBytes } from '../../turn/kept/record-bytes.js'
import { valueOf, wayOf, type TurnSource } from '../../turn/kept/turn-source.js'
import type { Way } from '../../turn/kept/way.js'
import { HoppedRecord, hopKey } from '../../turn/output/hop.js'
import type { Origin } from '../../turn/running/work.js'
import type { Culprit } from './culprits.js'
import type { InboxPlan } from './pipeline.js'
import { Reader, type ReaderSurroundings } from './reader.js'
import type { Task } from '../tasks/task.js'

/** Reads an inbox: records whose objects are in this partition, from wherever they came. */
export class InboxReader extends Reader {
  readonly #plan: InboxPlan
  readonly #record: HoppedRecord
  readonly #origin: Origin
  /** Which of the values of the record has its turn. */
  #element = 0
  #isOurs = false

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: InboxPlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#record = new HoppedRecord(this.at)
    this.#origin = {
      carry: ({ source, letter }) => {
        const { way } = this.#record.address
        return { source: source.id, record: this.#record.carried(), way, element: this.#element, letter }
      },
    }
  }

  protected override setAside(culprit: Culprit): void {
    const { turns } = this.surroundings.passage
    turns.failing(culprit, () => {
      this.take()
      turns.unfinished.finish()
    })
  }

  protected override take(): void {
    const record = this.#record
    let source: TurnSource
    let values: readonly unknown[]
    this.#isOurs = false
    try {
      record.read(this.cursor)
      this.#isOurs = true
      source = this.#source()
      values = this.#values(source)
    } catch (cause) {
      if (cause instanceof RecordRefused) this.refuseFor('dead-letter', cause)
      else this.refuse('dead-letter', cause, 'the value was refused', 'VALUE_INVALID')
      return
    }
    const { element, letter } = record.address
    this.#deliver(source, hopKey(this.cursor), element, values[0], letter)
    record.more.forEach((each, i) => this.#deliver(source, each.key, each.element, values[i + 1], letter))
    this.timeOf(this.#plan.timed && letter === undefined, record.topic, record.partition)?.see(record.timestamp)
  }

  /** What no app of ours has written is refused as it stands in the inbox. */
  protected override record(): CarriedRecord {
    return this.#isOurs ? this.#record.carried() : carriedRecord(this.at, this.cursor, this.cursor.timestamp)
  }

  #deliver(source: TurnSource, key: string, element: number, value: unknown, letter: number | undefined): void {
    const { agenda } = this.task
    const table = agenda?.state.tables[this.#plan.kindIndex]
    if (agenda === undefined || table === undefined)
      throw new MillraceError(
        'TOPIC_MISMATCH',
        `${this.at.topic}[${this.at.partition}] has no state partition of that index`,
        this.at,
      )
    const { turns, failures } = this.surroundings.passage
    this.#element = element
    const delivery = { source, agenda, table, key, value, record: this.#record, origin: this.#origin, letter }
    deliver(delivery, turns, failures)
  }

  #source(): TurnSource {
    const { source: id } = this.#record.address
    const source = this.#plan.inputs.get(id)
    if (source !== undefined) return source
    const { name } = this.#plan.kind
    throw new RecordRefused(
      'VALUE_INVALID',
      `it hopped for input '${id}', which state object '${name}' no longer has`,
      { kind: name },
    )
  }

  /** The values of the record that are meant for objects here, made of its bytes again. */
  #values(source: TurnSource): readonly unknown[] {
    const record = this.#record
    const { address, more } = record
    if (source.isTimer) return [valueOf(source, { ...address, record: record.carried() }, record)]
    const way: Way = wayOf(source, record.topic, address.way)
    const decoded = way.decode(valueBytes(this.cursor))
    if (!way.changed) return [decoded]
    return way.allAgain(decoded, record, [address.element, ...more.map(({ element }) => element)])
  }
}
