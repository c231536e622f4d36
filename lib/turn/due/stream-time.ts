import { latestTimeMs } from '../../core/record-checks.js'
import { offsetOf, type Positions, type TopicPartition } from '../../core/record.js'
import type { Entry } from '../../state/table.js'
import { streamsOf, taskRow, type OriginEntry, type Row, type StreamRow } from '../kept/row.js'
import { silentMs, type Progress, type SourceTime } from './source-time.js'

/** Where the row of the task is. */
export interface TaskRows {
  rowOf(key: string): Entry
  change(entry: Entry, seq: number, change: (row: Row) => void): void
}

/** Whose time it is, and by what it goes. */
export interface StreamTimeOptions {
  readonly kind: string
  /** Of all kinds that have a time. */
  readonly inboxes: ReadonlyMap<string, string>
  readonly task: number
  /** Those of the task itself whose records have their turns in place. */
  readonly sources: readonly SourceTime[]
  /** Topics that the kind reads, and, as of now, of how many partitions of each its records come here. */
  readonly topics: ReadonlyMap<string, () => number>
}

/** Between two questions about partitions that time waits for, by the clock. */
const askAgainMs = 500

const unheard: Progress = { latest: -Infinity, isSilent: true, position: undefined }

/**
 * How far event time has come for one kind in one task: the least of what the source partitions of the kind have come to. So a
 * partition that is behind makes nobody's records late, and what other kinds read does not matter. Of its own partitions the
 * task knows it; of those of others their owners tell, in marks that come through the inbox behind the records before them.
 *
 * Partitions that are silent, or of which nothing was ever heard, do not count; when all are so, the time is the latest seen.
 * When time begins, those are waited for, until they say something or have had as long for it as makes a partition silent: what
 * comes first of a backlog is of one partition. When it goes on after all were silent they are waited for as well, but for no
 * longer than it takes to learn that there is nothing in them that was not read. Time never goes back, and stands in the
 * task's row with what it follows from.
 */
export class StreamTime {
  now = -Infinity
  readonly kind: string
  readonly #options: StreamTimeOptions
  readonly #rows: TaskRows
  /** By topic and partition. */
  readonly #heard = new Map<string, Map<number, Progress>>()
  /** Until when, by the clock, silent ones are waited for; undefined when all are silent. */
  #waits: number | undefined
  /** They are being waited for. */
  #stands = false
  #learnedAt = -Infinity
  #changed = false
  #isLoaded = false

  constructor(options: StreamTimeOptions, rows: TaskRows) {
    this.kind = options.kind
    this.#options = options
    this.#rows = rows
    for (const topic of options.topics.keys()) this.#heard.set(topic, new Map())
  }

  /** As the row says; `clock` is the time of day. Called again when something was taken back. */
  load(clock: number): void {
    const { kind, inboxes, task, sources } = this.#options
    const row = (this.#rows.rowOf(taskRow).state ?? {}) as Row
    const own = streamsOf(row, inboxes).find((each) => each.kind === kind)
    this.now = own?.at ?? -Infinity
    // Turns that fail time and again must not hold windows open.
    if (own?.waits !== undefined) this.#waits ??= Math.min(own.waits, clock + silentMs)
    for (const heard of this.#heard.values()) heard.clear()
    for (const [topic, entries] of own?.origins ?? []) {
      const heard = this.#heard.get(topic)
      entries.forEach((entry, partition) => entry !== null && heard?.set(partition, progressOf(entry)))
    }
    if (!this.#isLoaded) for (const source of sources) source.wasTold(this.#of(source.topic, task))
    this.#isLoaded = true
    this.#changed = true
  }

  /** What the owner of a source partition says. What stands in place here is known better. */
  hear(topic: string, partition: number, progress: Progress): void {
    const heard = this.#heard.get(topic)
    const { task, sources } = this.#options
    if (heard === undefined || (partition === task && sources.some((source) => source.topic === topic))) return
    if (!(progress.latest <= latestTimeMs && partition >= 0)) return
    this.#note(topic, partition, progress)
  }

  #note(topic: string, partition: number, { latest, isSilent, position }: Progress): void {
    const known = this.#of(topic, partition)
    if (latest <= known.latest && isSilent === known.isSilent && position === known.position) return
    this.#heard.get(topic)?.set(partition, { latest: Math.max(latest, known.latest), isSilent, position })
    this.#changed = true
    this.#learnedAt = -Infinity
  }

  #of(topic: string, partition: number): Progress {
    return this.#heard.get(topic)?.get(partition) ?? unheard
  }

  /** Takes note of what has come by; `clock` is the time of day. */
  update(clock: number, seq: number): void {
    const { task, sources } = this.#options
    for (const { topic, latest, isSilent, position } of sources) {
      const known = this.#of(topic, task)
      if (isSilent === undefined) this.#note(topic, task, { ...known, latest })
      else this.#note(topic, task, { latest, isSilent, position: isSilent ? position : undefined })
    }
    const before = this.now
    const waits = this.#waits
    this.#move(clock)
    // Rule time-in-state (integration/model).
    if (this.#changed || this.now !== before || this.#waits !== waits) this.#write(seq)
    this.#changed = false
  }

  /**
   * Silent partitions that time waits for, after all were silent: whether they have more than was read should be found out.
   * None when that was done a moment ago, and nothing was heard since.
   */
  doubtful(clock: number): readonly TopicPartition[] {
    const isWaking = this.now > -Infinity && this.#stands
    if (!isWaking || clock - this.#learnedAt < askAgainMs) return []
    return this.#silent()
  }

  /** Where silent partitions begin and end, as of this time of day. */
  learned(starts: Positions, ends: Positions, clock: number): void {
    this.#learnedAt = clock
    const isReadOut = ({ topic, partition }: TopicPartition): boolean => {
      const { latest, position } = this.#of(topic, partition)
      const readTo = position ?? (latest === -Infinity ? offsetOf(starts, topic, partition) : undefined)
      return readTo !== undefined && offsetOf(ends, topic, partition) === readTo
    }
    if (this.#stands && this.#silent().every(isReadOut)) this.#waits = clock
  }

  /** Silent partitions have nothing that was not read: they are not waited for. Whether they were; `clock` is the time of day. */
  conclude(clock: number): boolean {
    if (!this.#stands) return false
    this.#waits = clock
    this.#stands = false
    return true
  }

  #silent(): readonly TopicPartition[] {
    return [...this.#options.topics].flatMap(([topic, countOf]) =>
      Array.from({ length: countOf() }, (_, partition) => ({ topic, partition })).filter(
        ({ partition }) => this.#of(topic, partition).isSilent,
      ),
    )
  }

  // Rule all-origins (integration/model).
  #move(clock: number): void {
    let least = Infinity
    let latest = -Infinity
    let anySilent = false
    for (const [topic, countOf] of this.#options.topics) {
      const heard = this.#heard.get(topic) as Map<number, Progress>
      if (heard.size < countOf()) anySilent = true
      for (const progress of heard.values()) {
        latest = Math.max(latest, progress.latest)
        if (progress.isSilent) anySilent = true
        else least = Math.min(least, progress.latest)
      }
    }
    this.#stands = false
    if (least === Infinity) {
      this.#waits = undefined
      this.now = Math.max(this.now, latest)
      return
    }
    this.#waits ??= clock + silentMs
    this.#stands = anySilent && clock < this.#waits
    if (!this.#stands) this.now = Math.max(this.now, least)
  }

  #write(seq: number): void {
    const { kind, inboxes } = this.#options
    const origins = [...this.#heard].map(([topic, heard]) => {
      const count = Math.max(0, ...[...heard.keys()].map((partition) => partition + 1))
      return [topic, Array.from({ length: count }, (_, partition) => entryOf(heard.get(partition)))] as const
    })
    const own: StreamRow = {
      kind,
      // What is not a number yet has no form in JSON.
      ...(Number.isFinite(this.now) && { at: this.now }),
      ...(this.#waits !== undefined && { waits: this.#waits }),
      origins: origins.filter(([, entries]) => entries.length > 0),
    }
    this.#rows.change(this.#rows.rowOf(taskRow), seq, (row) => {
      row.streams = [...streamsOf(row, inboxes).filter((each) => each.kind !== kind), own]
      delete row.streamTime
      delete row.origins
    })
  }
}

function progressOf(entry: Exclude<OriginEntry, null>): Progress {
  if (typeof entry === 'number') return { latest: entry, isSilent: false, position: undefined }
  return { latest: entry[0] ?? -Infinity, isSilent: entry.length > 0, position: entry[1] }
}

function entryOf(progress: Progress | undefined): OriginEntry {
  if (progress === undefined) return null
  const { latest, isSilent, position } = progress
  if (!Number.isFinite(latest)) return isSilent ? null : []
  if (!isSilent) return latest
  return position === undefined ? [latest] : [latest, position]
}
