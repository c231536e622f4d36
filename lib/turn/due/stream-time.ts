import type { Entry } from '../../state/table.js'
import { taskRow, type Row } from '../kept/row.js'

/** A source partition that gives nothing for so long, by the clock, holds nobody back any more. */
const idleMs = 5_000

/** One source partition, as a task has seen it: in place, or through its inbox. */
export interface TimeOrigin {
  readonly topic: string
  readonly partition: number
  /** The latest timestamp, milliseconds since the epoch. */
  latest: number
}

/** Where the row of the task is. */
export interface TaskRows {
  rowOf(key: string): Entry
  change(entry: Entry, seq: number, change: (row: Row) => void): void
}

interface KnownOrigin extends TimeOrigin {
  /** The topic it comes through: its own, or an inbox. */
  readonly through: string
  noted: number
  movedAt: number
  /** When that topic had last been read out. */
  readOutAt: number
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
  readonly #task: number
  readonly #topics: readonly string[]
  readonly #rows: TaskRows
  readonly #origins = new Map<string, KnownOrigin>()
  /** By the clock. */
  #beginsAt = Infinity

  /** `topics`: those whose partition of this task counts from the beginning. */
  constructor(task: number, topics: readonly string[], rows: TaskRows) {
    this.#task = task
    this.#topics = topics
    this.#rows = rows
  }

  /** As the row says; `clock` is the time of day. */
  load(clock: number): void {
    const row = this.#rows.rowOf(taskRow).state as Row | undefined
    this.now = row?.streamTime ?? -Infinity
    this.#beginsAt = clock + idleMs
    this.#origins.clear()
    for (const [through, topic, partition, latest] of row?.origins ?? [])
      Object.assign(this.#origin(through, topic, partition), { latest, noted: latest, movedAt: clock })
    for (const topic of this.#topics) {
      const own = this.#origin(topic, topic, this.#task)
      own.movedAt = clock
    }
  }

  /** Set its `latest` as records come by. */
  origin(through: string, topic: string, partition: number): TimeOrigin {
    return this.#origin(through, topic, partition)
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
      row.streamTime = this.now
      row.origins = origins.map(({ through, topic, partition, noted }) => [through, topic, partition, noted])
    })
  }

  #origin(through: string, topic: string, partition: number): KnownOrigin {
    const name = `${through} ${topic} ${partition}`
    let origin = this.#origins.get(name)
    if (origin === undefined) {
      const never = -Infinity
      // One that has never moved counts as silent, but for those of the task itself: see `load`.
      origin = { through, topic, partition, latest: never, noted: never, movedAt: never, readOutAt: 0 }
      this.#origins.set(name, origin)
    }
    return origin
  }
}
