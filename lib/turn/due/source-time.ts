import type { RecordTimes, TimeRule } from './record-times.js'

/** How far the timestamps of one source partition have come, where it is read. */
export class SourceTime {
  readonly topic: string
  readonly #rule: TimeRule
  readonly #times: RecordTimes
  /** The latest, milliseconds since the epoch. */
  latest = -Infinity
  #sealed = -Infinity
  #committed = -Infinity

  constructor(topic: string, times: RecordTimes) {
    this.topic = topic
    this.#times = times
    this.#rule = times.ruleOf(topic)
  }

  /** A record of this time has come by. */
  see(at: number): void {
    if (at > this.latest && this.#times.fault(at, this.#rule) === undefined) this.latest = at
  }

  seal(): void {
    this.#sealed = this.latest
  }

  committed(): void {
    this.#committed = this.#sealed
  }

  /** What was read since the last seal is read again, and may be part of other commits then. */
  rewind(): void {
    this.latest = this.#sealed
  }

  rewindToCommitted(): void {
    this.latest = this.#sealed = this.#committed
  }
}
