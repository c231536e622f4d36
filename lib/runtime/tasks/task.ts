import type { TaskState } from '../../state/task-state.js'
import type { Agenda } from '../../turn/due/agenda.js'
import type { SourceTime } from '../../turn/due/source-time.js'
import type { Beginning } from './beginnings.js'
import { dropGuards } from '../../turn/kept/guard.js'
import { isHeld, type Row } from '../../turn/kept/row.js'

/** A task this process runs: partition `index` of every topic the app reads, and all state of that index. */
export class Task {
  readonly index: number
  /** Absent where the app keeps no state of this index. */
  readonly state: TaskState | undefined
  /** What is due and what waits, of its objects; absent like its state. */
  readonly agenda: Agenda | undefined
  /** By topic: of those whose timestamps are event time to some kind. */
  readonly times: ReadonlyMap<string, SourceTime>
  /** Where processing stands, by topic. */
  readonly positions: Map<string, number>
  /** Timestamp of the record taken last, or about, by topic: what is looked at once in a slice. */
  readonly lastTimes = new Map<string, number>()
  /** Where the last sealed commit stood. */
  #sealed: ReadonlyMap<string, number>
  /** Where the last committed one stands. */
  #committed: ReadonlyMap<string, number>
  /** The group does not have the offset of each position, so that one that stands still has to be committed too. */
  #isUnknown: boolean

  constructor(
    index: number,
    agenda: Agenda | undefined,
    { positions, isKnown }: Beginning,
    times: ReadonlyMap<string, SourceTime>,
  ) {
    this.index = index
    this.agenda = agenda
    this.times = times
    for (const [topic, time] of times) time.begin(positions.get(topic) ?? 0)
    this.state = agenda?.state
    this.positions = new Map(positions)
    this.#sealed = new Map(positions)
    this.#committed = this.#sealed
    this.#isUnknown = !isKnown
  }

  /** Whether there is anything to commit since the last seal: records passed, or a timer was due. */
  get moved(): boolean {
    // Rule attach-touched (integration/model).
    if (this.#isUnknown || this.state?.dirty === true) return true
    for (const time of this.times.values()) if (time.isUrgent) return true
    for (const [topic, offset] of this.positions) if (offset !== this.#sealed.get(topic)) return true
    return false
  }

  /** Takes note of how far event time has come; `now` is the time of day. */
  lookAtTime(now: number, seq: number): void {
    if (this.times.size === 0 && this.agenda?.times === undefined) return
    for (const time of this.times.values()) time.reached(this.positions.get(time.topic) ?? 0, now)
    for (const { stream } of this.agenda?.lanes ?? []) stream?.update(now, seq)
  }

  /** Positions to attach to the commit being sealed: all of this task, unmoved ones too, so that a taker sees it pending. */
  seal(): ReadonlyMap<string, number> {
    // Rule all-positions (integration/model).
    this.#sealed = new Map(this.positions)
    for (const time of this.times.values()) time.seal()
    this.agenda?.quarantines.sealed()
    this.agenda?.retries.sealed()
    return this.#sealed
  }

  /** Back to the last seal: what was done since is forgotten. Call it with no commit in flight. */
  rewind(now: number): void {
    this.state?.undo()
    for (const time of this.times.values()) time.rewind()
    this.agenda?.reset(now)
    // Rule rewind-to-sealed (integration/model).
    for (const [topic, offset] of this.#sealed) this.positions.set(topic, offset)
  }

  /** Back to the last commit, after one that was sealed has been aborted. */
  async rewindToCommitted(now: number): Promise<void> {
    await this.state?.discard()
    for (const time of this.times.values()) time.rewindToCommitted()
    this.agenda?.reset(now)
    this.#sealed = this.#committed
    for (const [topic, offset] of this.#committed) this.positions.set(topic, offset)
  }

  /** `seq`: of the commit. What the next one has made of a row may be taken back. */
  committed(positions: ReadonlyMap<string, number>, seq: number): void {
    this.#isUnknown = false
    this.#committed = positions
    for (const time of this.times.values()) time.committed()
    for (const table of this.state?.tables ?? [])
      dropGuards(table, (key) => {
        const entry = this.agenda?.row(table.kind.name, key)
        const row = entry?.state as Row | undefined
        return entry !== undefined && (entry.dirtyIn > seq || (row !== undefined && isHeld(row)))
      })
  }

  get committedPositions(): ReadonlyMap<string, number> {
    return this.#committed
  }
}
