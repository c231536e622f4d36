import { Histogram, turnSeconds } from '../../core/telemetry/histogram.js'

/** Of turns that end within their call one in so many is timed: a look at the clock costs 40 ns, twice, of a turn of 1 µs. */
export const timedEvery = 64

/** What turns of one input have come to; counted up where it happens. Like `Counters`, of what takes effect. */
export class TurnMeter {
  /** Since the last seal: turns that succeeded, and attempts that failed. */
  turns = 0
  failed = 0
  #turnsInFlight = 0
  #failedInFlight = 0
  /** In commits that were made. */
  turnsSettled = 0
  failedSettled = 0
  /** Seconds, of the turns that are timed; those of turns that failed too. */
  readonly took = new Histogram(turnSeconds)
  #untilTimed = 1

  /** Asked once before each turn: whether it is one that is timed. The first is. */
  isTimed(): boolean {
    if (--this.#untilTimed > 0) return false
    this.#untilTimed = timedEvery
    return true
  }

  tookMs(ms: number): void {
    this.took.add(ms / 1_000)
  }

  sealed(): void {
    this.#turnsInFlight = this.turns
    this.#failedInFlight = this.failed
    this.undone()
  }

  committed(): void {
    this.turnsSettled += this.#turnsInFlight
    this.failedSettled += this.#failedInFlight
    this.refused()
  }

  refused(): void {
    this.#turnsInFlight = this.#failedInFlight = 0
  }

  undone(): void {
    this.turns = this.failed = 0
  }
}
