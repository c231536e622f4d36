import type { Clock } from '../../core/clock.js'
import { latestTimeMs } from '../../core/record-checks.js'

/** What may be the times of a topic's records. */
export interface TimeRule {
  /** How far they may be ahead of the clock, milliseconds; Infinity: as far as they like. */
  readonly maxAheadMs: number
  /** They come from the values, which may be of before 1970; the records' own may not. */
  readonly isExtracted: boolean
}

/** `none`: it is no time that a Date can hold, or the -1 of a record that has none. */
export type TimeFault = 'none' | 'ahead'

/** Of topics that the program does not read any more. */
const strictest: TimeRule = { maxAheadMs: 0, isExtracted: false }

/** Which times event time can go by. One far ahead of all others would make every record that comes after it late. */
export class RecordTimes {
  readonly #rules: ReadonlyMap<string, TimeRule>
  readonly #clock: Clock
  /** What the clock last said: it is asked only when a time is ahead of that, which is rare. */
  now = -Infinity

  constructor(rules: ReadonlyMap<string, TimeRule>, clock: Clock) {
    this.#rules = rules
    this.#clock = clock
  }

  ruleOf(topic: string): TimeRule {
    return this.#rules.get(topic) ?? strictest
  }

  /** Why event time cannot go by a record of this time; undefined when it can. */
  fault(at: number, { maxAheadMs, isExtracted }: TimeRule): TimeFault | undefined {
    // Written so that NaN is a fault.
    if (!(at <= latestTimeMs && at >= (isExtracted ? -latestTimeMs : 0))) return 'none'
    if (at <= this.now + maxAheadMs) return undefined
    this.now = this.#clock.now()
    return at <= this.now + maxAheadMs ? undefined : 'ahead'
  }
}
