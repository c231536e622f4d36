import type { Clock } from '../core/clock.js'
import { MillraceError } from '../core/errors.js'
import { latestTimeMs } from '../core/record-checks.js'
import { unitHint } from '../core/time-unit.js'
import type { BatchRules, TimeLimits } from './batch-rules.js'
import { mistimed } from './record-time.js'

/** What of a topic's definition says what is done with its times. */
export interface TimedTopic {
  readonly name: string
  /** A timestamp that the topic does not take is moved to where it does. */
  readonly clampsTime: boolean
}

/** What a clamped time keeps from a limit at most: the broker's clock need not be ours. */
const mostMarginMs = 60_000

/** Timestamps of what user code writes: brokers refuse a batch for one that is far from their clock. */
export class OutputTimes {
  readonly #rules: BatchRules
  readonly #clock: Clock
  /** As the clock last said: it is asked only when a time is farther ahead of that than is allowed. */
  #now = -Infinity

  constructor(rules: BatchRules, clock: Clock) {
    this.#rules = rules
    this.#clock = clock
  }

  /**
   * What a record for a topic gets for a timestamp that code has given, or its event time. Throws `RECORD_INVALID` for one that
   * the topic does not take, as far as that is known; where the topic says so it gets the nearest that it takes.
   */
  taken({ name, clampsTime }: TimedTopic, timestamp: number, where: string): number {
    const rule = this.#rules.of(name)
    if (timestamp <= this.#now + rule.afterMs && rule.beforeMs === Infinity) return timestamp
    this.#now = this.#clock.now()
    const why = mistimed(rule, timestamp, this.#now)
    if (why === undefined) return timestamp
    if (clampsTime) return clamped(rule, timestamp, this.#now)
    throw new MillraceError(
      'RECORD_INVALID',
      `${where}: its time, ${shown(timestamp)}, is ${why}. Give another timestamp, raise the setting, or define the topic with timestamps: 'clamp'.${unitHint(timestamp)}`,
      { topic: name },
    )
  }

  /** A timestamp that no broker refuses in a topic of ours: neither ahead of the clock nor before 1970, nor what the topic does not take. */
  nearest(topic: string, eventTime: number): number {
    const timestamp = Math.min(writableTime(eventTime), this.#clock.now())
    return this.taken({ name: topic, clampsTime: true }, timestamp, topic)
  }
}

/** The event time of a turn or a record, as Kafka can write it: nothing is before 1970 there. */
export const writableTime = (eventTime: number): number => Math.max(0, Math.floor(eventTime))

function clamped({ afterMs, beforeMs }: TimeLimits, timestamp: number, now: number): number {
  const margin = (limitMs: number): number => Math.min(mostMarginMs, Math.floor(limitMs / 2))
  if (timestamp > now + afterMs) return now + afterMs - margin(afterMs)
  return Math.max(0, now - beforeMs + margin(beforeMs))
}

const shown = (ms: number): string => (Math.abs(ms) <= latestTimeMs ? new Date(ms).toISOString() : String(ms))
