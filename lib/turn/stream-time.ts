import type { Entry } from '../state/table.js'
import { taskRow, type Row } from './row.js'

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
  noted: number
  movedAt: number
}

/**
 * How far event time has come in one task: the least of what its source partitions have come to. So a partition that is
 * behind makes nobody's records late. One that has given nothing for five seconds does not count; when all are so, the
 * time is the latest seen. It never goes back, and stands in the task's row with what it follows from.
 */
export class StreamTime {
  now = -Infinity
  readonly #rows: TaskRows
  readonly #origins = new Map<string, KnownOrigin>()

  constructor(rows: TaskRows) {
    this.#rows = rows
  }

  /** As the row says; `clock` is the time of day. */
  load(clock: number): void {
    const row = this.#rows.rowOf(taskRow).state as Row | undefined
    this.now = row?.streamTime ?? -Infinity
    this.#origins.clear()
    for (const [topic, partition, latest] of row?.origins ?? [])
      this.#origins.set(`${topic} ${partition}`, { topic, partition, latest, noted: latest, movedAt: clock })
  }

  /** Set its `latest` as records come by. */
  origin(topic: string, partition: number): TimeOrigin {
    const name = `${topic} ${partition}`
    let origin = this.#origins.get(name)
    if (origin === undefined) {
      origin = { topic, partition, latest: -Infinity, noted: -Infinity, movedAt: -Infinity }
      this.#origins.set(name, origin)
    }
    return origin
  }

  /** Takes note of what has come by; `clock` is the time of day. */
  update(clock: number, seq: number): void {
    let least = Infinity
    let latest = -Infinity
    let moved = false
    for (const origin of this.#origins.values()) {
      if (origin.latest > origin.noted) {
        origin.noted = origin.latest
        origin.movedAt = clock
        moved = true
      }
      latest = Math.max(latest, origin.noted)
      if (clock - origin.movedAt < idleMs) least = Math.min(least, origin.noted)
    }
    const now = Math.max(this.now, least === Infinity ? latest : least)
    if (now === this.now && !moved) return
    this.now = now
    const origins = [...this.#origins.values()].map(({ topic, partition, noted }) => [topic, partition, noted] as const)
    this.#rows.change(this.#rows.rowOf(taskRow), seq, (row) => {
      row.streamTime = now
      row.origins = origins.filter(([, , noted]) => Number.isFinite(noted))
    })
  }
}
