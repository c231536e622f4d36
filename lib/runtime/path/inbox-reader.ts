import { MillraceError, reasonOf } from '../../core/errors.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { Fetched } from '../../log/port.js'
import { deliver } from '../../turn/deliver.js'
import { carriedRecord, type CarriedRecord, type ReplayedLetter } from '../../turn/kept/carried.js'
import { valueBytes } from '../../turn/kept/record-bytes.js'
import { keysOf, closeId, valueOf, wayOf, type TurnSource } from '../../turn/kept/turn-source.js'
import type { Way } from '../../turn/kept/way.js'
import { awaitingIn } from '../../turn/inputs/awaiting.js'
import { HoppedRecord, hopKey } from '../../turn/output/hop.js'
import { readMark } from '../../turn/output/mark.js'
import type { Origin } from '../../turn/running/work.js'
import type { Culprit } from './culprits.js'
import type { InboxPlan } from './pipeline.js'
import { Reader, type ReaderSurroundings } from './reader.js'
import type { Task } from '../tasks/task.js'

/** Reads an inbox: records whose objects are in this partition, from wherever they came. */
export class InboxReader extends Reader {
  readonly #plan: InboxPlan
  #record: HoppedRecord
  readonly #origin: Origin
  #isOurs = false
  #isBrief = false

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: InboxPlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#record = new HoppedRecord(this.at)
    this.awaited = awaitingIn(plan.topics, this.cursor, () => this.#glance())
    this.#origin = {
      carry: () => ({ ...this.#record.address, record: this.#record.carried() }),
    }
  }

  protected override get feeds(): readonly TurnSource[] {
    return this.#plan.feeds
  }

  protected override setAside(culprit: Culprit): void {
    const { turns } = this.surroundings.passage
    this.#isBrief = culprit.brief
    turns.failing(culprit, () => {
      this.take()
      turns.unfinished.finish()
    })
    this.#isBrief = false
  }

  protected override take(): void {
    // Those of objects have keys.
    if (this.cursor.keyStart < 0 && this.#isMark()) return
    if (this.#record.isKept) this.#record = new HoppedRecord(this.at)
    const record = this.#record
    let source: TurnSource | undefined
    let values: readonly unknown[]
    this.#isOurs = false
    try {
      record.read(this.cursor)
      this.#isOurs = true
      source = this.#source()
      values = this.#values(source)
    } catch (cause) {
      return this.#refused(source, cause)
    }
    const { element, letter } = record.address
    this.#deliver(source, hopKey(this.cursor), element, values[0], letter)
    record.more.forEach((each, i) => this.#deliver(source, each.key, each.element, values[i + 1], letter))
  }

  /** The record, before it is taken; undefined for what no app of ours has written. */
  #glance(): HoppedRecord | undefined {
    if (this.#record.isKept) this.#record = new HoppedRecord(this.at)
    try {
      this.#record.read(this.cursor)
      return this.#record
    } catch {
      return undefined
    }
  }

  /** Whether it is one; then it is heard. What is none, or none of this program, is refused as any record of others. */
  #isMark(): boolean {
    try {
      const entries = readMark(this.cursor.headerSection())
      const stream = this.task.agenda?.stream(this.#plan.kindIndex)
      for (const entry of entries ?? []) stream?.hear(entry.topic, entry.partition, entry)
      if (entries !== undefined) this.marks++
      return entries !== undefined
    } catch {
      return false
    }
  }

  /** It is refused as it would have been at its source; a replayed letter keeps its place among those of its object. */
  #refused(source: TurnSource | undefined, cause: unknown): void {
    const what = `the value was refused (${reasonOf(cause)})`
    const refused = cause instanceof RecordRefused ? cause : new RecordRefused('VALUE_INVALID', what, { cause })
    const { letter, topic, element } = this.#record.address
    if (!this.#isOurs || letter === undefined) {
      const policy = source?.ways.get(topic)?.[0]?.topic.onInvalid ?? 'dead-letter'
      return this.refuseFor(policy, refused, this.#isBrief)
    }
    // Any of its kind will do: it is not run.
    const by = source ?? (this.#plan.inputs.get(closeId) as TurnSource)
    const verdict = { error: refused, brief: this.#isBrief }
    const fail = (): void => this.#deliver(by, hopKey(this.cursor), element, undefined, letter)
    this.surroundings.passage.turns.failing(verdict, fail)
  }

  /** What no app of ours has written is refused as it stands in the inbox. */
  protected override record(): CarriedRecord {
    return this.#isOurs ? this.#record.carried() : carriedRecord(this.at, this.cursor, this.cursor.timestamp)
  }

  #deliver(source: TurnSource, key: string, element: number, value: unknown, letter: ReplayedLetter | undefined): void {
    const { agenda } = this.task
    const table = agenda?.state.tables[this.#plan.kindIndex]
    if (agenda === undefined || table === undefined)
      throw new MillraceError(
        'TOPIC_MISMATCH',
        `${this.at.topic}[${this.at.partition}] has no state partition of that index`,
        this.at,
      )
    const { turns, failures } = this.surroundings.passage
    const origin = element === this.#record.address.element ? this.#origin : this.#originOf(element)
    const { streamTime } = this.#record.address
    const delivery = { source, agenda, table, key, value, record: this.#record, origin, letter, streamTime }
    deliver(delivery, turns, failures)
  }

  /** Of one of several values of the record. */
  #originOf(element: number): Origin {
    return { carry: () => ({ ...this.#record.address, record: this.#record.carried(), element }) }
  }

  #source(): TurnSource {
    const { source: id } = this.#record.address
    const source = this.#plan.inputs.get(id)
    if (source !== undefined) {
      this.#record.keys = keysOf(source, this.#record.topic)
      return source
    }
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
