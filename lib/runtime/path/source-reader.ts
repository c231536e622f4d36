import { RecordRefused } from '../../core/record-refused.js'
import type { Fetched } from '../../log/port.js'
import type { InvalidPolicy } from '../../model/stream.js'
import { RecordView } from '../../log/record-view.js'
import { carriedRecord, type CarriedRecord } from '../../turn/kept/carried.js'
import { decodeValue } from '../../turn/kept/record-bytes.js'
import { awaitingOf } from '../../turn/inputs/awaiting.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import type { SourceTime } from '../../turn/due/source-time.js'
import type { Culprit } from './culprits.js'
import { extractedTime } from './event-time.js'
import type { SourcePlan } from './pipeline.js'
import type { Lead } from './sinks.js'
import { Reader, type ReaderSurroundings } from './reader.js'
import type { Task } from '../tasks/task.js'

/** Reads a source: decodes each value once and hands it to all that reads the topic. */
export class SourceReader extends Reader {
  readonly #plan: SourcePlan
  #view = new RecordView()
  readonly #time: SourceTime | undefined

  constructor(task: Task, fetched: Fetched, surroundings: ReaderSurroundings, plan: SourcePlan) {
    super(task, fetched, surroundings)
    this.#plan = plan
    this.#bind(this.#view)
    this.#time = task.times.get(fetched.topic)
    this.awaited = awaitingOf(plan.topic, this.cursor)
  }

  protected override get feeds(): readonly TurnSource[] {
    return this.#plan.feeds
  }

  protected override get onUnreadable(): InvalidPolicy {
    return this.#plan.topic.onInvalid
  }

  #bind(view: RecordView): void {
    view.bind(this.at.topic, this.at.partition, this.cursor, this.#plan.topic.keys)
  }

  /** The cursor has moved: an asynchronous turn may have the view that stood on the record before. */
  #look(): RecordView {
    if (this.#view.isKept) this.#bind((this.#view = new RecordView()))
    this.#view.eventTime = undefined
    return this.#view
  }

  /** A record that leads to one turn, and to nothing else, fails as that turn does after a hop. Others are refused as a whole. */
  protected override setAside(culprit: Culprit): void {
    const { error, brief } = culprit
    const [lead, ...more] = this.#leads()
    if (more.length === 0 && lead === 'turn') {
      const { turns } = this.surroundings.passage
      return turns.failing(culprit, () => {
        this.take()
        turns.unfinished.finish()
      })
    }
    this.#look()
    const what = `what was written for it was refused (${error.message})`
    this.refuseFor(this.#plan.topic.onInvalid, new RecordRefused('RECORDS_REFUSED', what, { cause: error }), brief)
  }

  #leads(): readonly Lead[] {
    const { topic, tombstones, leadsOf } = this.#plan
    const { bytes, valueStart, valueEnd } = this.cursor
    const isTombstone = valueStart < 0 && tombstones !== undefined
    const decoded = (): unknown => (isTombstone ? null : decodeValue(topic.codec, bytes, valueStart, valueEnd))
    const view = this.#look()
    try {
      if (topic.timestamp !== undefined && !isTombstone) view.eventTime = extractedTime(topic.timestamp, decoded())
      return leadsOf(decoded, view, isTombstone)
    } catch {
      // It is refused as well when it is taken.
      return []
    }
  }

  protected override take(): void {
    const { topic, pushes, tombstones } = this.#plan
    const { bytes, valueStart, valueEnd } = this.cursor
    const view = this.#look()
    let value: unknown = null
    let takers = pushes
    if (valueStart < 0 && tombstones !== undefined) takers = tombstones
    else {
      try {
        value = decodeValue(topic.codec, bytes, valueStart, valueEnd)
      } catch (cause) {
        this.refuse(topic.onInvalid, cause, 'the value was refused', 'VALUE_INVALID')
        return
      }
      if (topic.timestamp !== undefined && !this.#findTime(topic.timestamp, value)) return
    }
    let refused: RecordRefused | undefined
    const { passage } = this.surroundings
    passage.used = false
    for (let i = 0; i < takers.length; i++) {
      try {
        // Each taker has a value of its own: what one does to it no other sees, in this run or in one after a failure.
        if (passage.used && typeof value === 'object' && value !== null) {
          value = decodeValue(topic.codec, bytes, valueStart, valueEnd)
          passage.used = false
        }
        ;(takers[i] as (typeof takers)[number])(value, view)
      } catch (error) {
        if (!(error instanceof RecordRefused)) throw error
        // Takers are independent of each other; a record is refused once, whoever else refuses it.
        refused ??= error
      }
    }
    if (refused !== undefined) this.refuseFor(topic.onInvalid, refused)
    this.#time?.see(view.timestamp)
  }

  protected override record(): CarriedRecord {
    return carriedRecord(this.at, this.cursor, this.#view.timestamp)
  }

  /** False when the record was refused, since it has none. */
  #findTime(extract: NonNullable<SourcePlan['topic']['timestamp']>, value: unknown): boolean {
    try {
      this.#view.eventTime = extractedTime(extract, value)
      return true
    } catch (error) {
      if (!(error instanceof RecordRefused)) throw error
      this.refuseFor(this.#plan.topic.onInvalid, error)
      return false
    }
  }
}
