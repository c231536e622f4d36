import type { Entry } from '../../state/table.js'
import { taskRow, type Row } from '../kept/row.js'
import type { RecordTimes, TimeRule } from './record-times.js'

/** A source partition that gives nothing for so long, by the clock, holds nobody back any more. */
const idleMs = 5_000

/** One source partition, as a task has seen it: in place, or through its inbox. */
export class TimeOrigin {
  readonly topic: string
  readonly partition: number
  /** The topic it comes through: its own, or an inbox. */
  readonly through: string
  readonly #rule: TimeRule
  readonly #times: RecordTimes
  /** The latest timestamp, milliseconds since the epoch. */
  latest = -Infinity
  noted = -Infinity
  /** By the clock. One that has never moved counts as silent, but for those of the task itself: see `StreamTime.load`. */
  movedAt = -Infinity
  /** When the topic that it comes through had last been read out. */
  readOutAt = 0

  constructor(through: string, topic: string, partition: number, times: RecordTimes) {
    this.through = through
    this.topic = topic
    this.partition = partition
    this.#times = times
    this.#rule = times.ruleOf(topic)
  }

  /** A record of this time has come by. */
  see(at: number): void {
    if (at > this.latest && this.#times.fault(at, this.#rule) === undefined) this.latest = at
  }
}

/** Where the row of the task is. */
export interface TaskRows {
  rowOf(key: string): Entry
  change(entry: Entry, seq: number, change: (row: Row) => void): void
}

/**
 * How far event time has come in one task: the least of what its source partitions have come to. So a partition that is
 * behind makes nobody's records late. One that has given nothing for five seconds, with nothing of it left to be processed,
 * does not count; when all are so, the time is the latest seen. It never goes back, and stands in the task's row with what
 * it follows from.
 *
 * A task without such a row has not heard of all that will hold it back: what comes first of a backlog is of one partition.
 * Its time begins after five seconds.
 */
export class StreamTime {
  now = -Infinity
  readonly times: RecordTimes
  readonly #task: number
  readonly #topics: readonly string[]
  readonly #rows: TaskRows
  readonly #origins = new Map<string, TimeOrigin>()
  /** By the clock. */
  #beginsAt = Infinity

  /** `topics`: those whose partition of this task counts from the beginning. */
  constructor(task: number, topics: readonly string[], times: RecordTimes, rows: TaskRows) {
    this.#task = task
    this.#topics = topics
    this.times = times
    this.#rows = rows
  }

  /**
   * As the row says; `clock` is the time of day. Called again when something was taken back: who was silent then is so still,
   * or turns that fail time and again would hold windows open.
   */
  load(clock: number): void {
    const row = this.#rows.rowOf(taskRow).state as Row | undefined
    this.now = row?.streamTime ?? -Infinity
    this.#beginsAt = Math.min(this.#beginsAt, clock + idleMs)
    const before = new Map(this.#origins)
    this.#origins.clear()
    const known = [
      ...(row?.origins ?? []),
      ...this.#topics.map((topic) => [topic, topic, this.#task, undefined] as const),
    ]
    for (const [through, topic, partition, latest] of known) {
      const origin = this.origin(through, topic, partition)
      const { movedAt = clock, readOutAt = 0 } = before.get(nameOf(through, topic, partition)) ?? {}
      Object.assign(origin, { movedAt, readOutAt }, latest !== undefined && { latest, noted: latest })
    }
  }

  origin(through: string, topic: string, partition: number): TimeOrigin {
    const name = nameOf(through, topic, partition)
    let origin = this.#origins.get(name)
    if (origin === undefined) this.#origins.set(name, (origin = new TimeOrigin(through, topic, partition, this.times)))
    return origin
  }

  /**
   * Takes note of what has come by; `clock` is the time of day, `isReadOut` whether nothing more is known to be in a topic
   * that the task reads. With `allRead` partitions that have given nothing yet are not waited for.
   */
  update(clock: number, seq: number, isReadOut: (through: string) => boolean, allRead: boolean): void {
    let least = Infinity
    let latest = -Infinity
    let moved = false
    for (const origin of this.#origins.values()) {
      if (origin.latest > origin.noted) {
        origin.noted = origin.latest
        origin.movedAt = clock
        moved = true
      }
      if (isReadOut(origin.through)) origin.readOutAt = clock
      latest = Math.max(latest, origin.noted)
      const isIdle = origin.readOutAt - origin.movedAt >= idleMs || (allRead && origin.noted === -Infinity)
      if (!isIdle) least = Math.min(least, origin.noted)
    }
    if (this.now === -Infinity && clock < this.#beginsAt && !allRead) return
    const now = Math.max(this.now, least === Infinity ? latest : least)
    if (now === this.now && !moved) return
    this.now = now
    this.#note(seq)
  }

  #note(seq: number): void {
    const origins = [...this.#origins.values()].filter(({ noted }) => Number.isFinite(noted))
    this.#rows.change(this.#rows.rowOf(taskRow), seq, (row) => {
      // What is not a number yet has no form in JSON.
      if (Number.isFinite(this.now)) row.streamTime = this.now
      row.origins = origins.map(({ through, topic, partition, noted }) => [through, topic, partition, noted])
    })
  }
}

const nameOf = (through: string, topic: string, partition: number): string => `${through} ${topic} ${partition}`
