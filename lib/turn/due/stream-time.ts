import type { Entry } from '../../state/table.js'
import { streamsOf, taskRow, type Row, type StreamRow } from '../kept/row.js'
import type { RecordTimes, TimeRule } from './record-times.js'
import type { SourceTime } from './source-time.js'

/** A source partition that gives nothing for so long, by the clock, holds nobody back any more. */
const idleMs = 5_000

/** One source partition, as a kind in a task has seen it: in place, or through its inbox. */
export class TimeOrigin {
  readonly topic: string
  readonly partition: number
  /** The topic it comes through: its own, or an inbox. */
  readonly through: string
  /** Where it is read in place. */
  readonly source: SourceTime | undefined
  readonly #rule: TimeRule
  readonly #times: RecordTimes
  /** The latest timestamp, milliseconds since the epoch. */
  latest = -Infinity
  noted = -Infinity
  /** By the clock. One that has never moved counts as silent, but for those of the task itself: see `StreamTime.load`. */
  movedAt = -Infinity
  /** When the topic that it comes through had last been read out. */
  readOutAt = 0

  constructor(through: string, topic: string, partition: number, source: SourceTime | undefined, times: RecordTimes) {
    this.through = through
    this.topic = topic
    this.partition = partition
    this.source = source
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

/** Whose time it is, and by what it goes. */
export interface StreamTimeOptions {
  readonly kind: string
  /** All kinds that have a time. */
  readonly kinds: readonly string[]
  readonly inbox: string
  readonly task: number
  /** Those whose records have their turns in place, and which count from the beginning. */
  readonly sources: readonly SourceTime[]
  /** All topics that the kind reads. */
  readonly topics: ReadonlySet<string>
  readonly times: RecordTimes
}

/**
 * How far event time has come for one kind in one task: the least of what the source partitions of the kind have come to. So a
 * partition that is behind makes nobody's records late, and what other kinds read does not matter. One that has given nothing
 * for five seconds, with nothing of it left to be processed, does not count; when all are so, the time is the latest seen. It
 * never goes back, and stands in the task's row with what it follows from.
 *
 * A task without such a row has not heard of all that will hold it back: what comes first of a backlog is of one partition.
 * Its time begins after five seconds.
 */
export class StreamTime {
  now = -Infinity
  readonly kind: string
  readonly #options: StreamTimeOptions
  readonly #rows: TaskRows
  readonly #origins = new Map<string, TimeOrigin>()
  /** By the clock. */
  #beginsAt = Infinity

  constructor(options: StreamTimeOptions, rows: TaskRows) {
    this.kind = options.kind
    this.#options = options
    this.#rows = rows
  }

  /**
   * As the row says; `clock` is the time of day. Called again when something was taken back: who was silent then is so still,
   * or turns that fail time and again would hold windows open.
   */
  load(clock: number): void {
    const { kind, kinds, inbox, task, topics, sources } = this.#options
    const row = this.#rows.rowOf(taskRow).state as Row | undefined
    const own = streamsOf(row ?? {}, kinds).find((each) => each.kind === kind)
    this.now = own?.at ?? -Infinity
    this.#beginsAt = Math.min(this.#beginsAt, clock + idleMs)
    const before = new Map(this.#origins)
    this.#origins.clear()
    const known = (own?.origins ?? []).filter(
      ([through, topic]) =>
        topics.has(topic) && (through === inbox || (through === topic && sources.some((each) => each.topic === topic))),
    )
    for (const [through, topic, partition, latest] of [
      ...known,
      ...sources.map(({ topic }) => [topic, topic, task, undefined] as const),
    ]) {
      const origin = this.origin(through, topic, partition)
      const { movedAt = clock, readOutAt = 0 } = before.get(nameOf(through, topic, partition)) ?? {}
      Object.assign(origin, { movedAt, readOutAt }, latest !== undefined && { latest, noted: latest })
    }
  }

  /** Who was silent as `before` had it, in the same process, is so still, unless it has moved since. */
  silentAs(before: StreamTime): void {
    this.#beginsAt = Math.min(this.#beginsAt, before.#beginsAt)
    for (const [name, origin] of this.#origins) {
      const known = before.#origins.get(name)
      if (known === undefined || known.noted !== origin.noted) continue
      origin.movedAt = known.movedAt
      origin.readOutAt = known.readOutAt
    }
  }

  origin(through: string, topic: string, partition: number): TimeOrigin {
    const name = nameOf(through, topic, partition)
    let origin = this.#origins.get(name)
    if (origin !== undefined) return origin
    const { sources, times } = this.#options
    const source = through === topic ? sources.find((each) => each.topic === topic) : undefined
    this.#origins.set(name, (origin = new TimeOrigin(through, topic, partition, source, times)))
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
      if (origin.source !== undefined) origin.latest = Math.max(origin.latest, origin.source.latest)
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
    const hasBegun = this.now > -Infinity || clock >= this.#beginsAt || allRead
    const now = hasBegun ? Math.max(this.now, least === Infinity ? latest : least) : -Infinity
    if (now === this.now && !moved) return
    this.now = now
    this.#note(seq)
  }

  #note(seq: number): void {
    const { kind, kinds } = this.#options
    const origins = [...this.#origins.values()]
      .filter(({ noted }) => Number.isFinite(noted))
      .map(({ through, topic, partition, noted }) => [through, topic, partition, noted] as const)
    // What is not a number yet has no form in JSON.
    const own: StreamRow = Number.isFinite(this.now) ? { kind, at: this.now, origins } : { kind, origins }
    this.#rows.change(this.#rows.rowOf(taskRow), seq, (row) => {
      row.streams = [...streamsOf(row, kinds).filter((each) => each.kind !== kind), own]
      delete row.streamTime
      delete row.origins
    })
  }
}

const nameOf = (through: string, topic: string, partition: number): string => `${through} ${topic} ${partition}`
