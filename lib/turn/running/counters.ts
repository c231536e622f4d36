import { Tally } from './tally.js'
import type { TurnMeter } from '../inputs/turn-meter.js'

/** What has become of records and turns. */
export interface Counts {
  turns: number
  hops: number
  dropped: number
  refused: number
  failed: number
  deadLetters: number
  skipped: number
}

const none = (): Counts => ({ turns: 0, hops: 0, dropped: 0, refused: 0, failed: 0, deadLetters: 0, skipped: 0 })

/** Counts what takes effect: what is done again after a commit that was not made is counted once. */
export class Counters {
  /** Since the last seal; counted up where it happens. */
  readonly now = none()
  #inFlight = none()
  readonly #committed = none()
  /** Records that were refused, by name of the sort; all that is told of them goes by it. */
  readonly refusals = new Tally()
  /** By code: records that were refused, and dead letters. */
  readonly refusedBy = new Tally()
  readonly lettersBy = new Tally()
  /** By kind: records whose window was closed. */
  readonly late = new Tally()
  /** Of all inputs. */
  readonly meters: TurnMeter[] = []

  sealed(): void {
    this.#inFlight = { ...this.now }
    Object.assign(this.now, none())
    for (const tally of this.#tallies) tally.sealed()
    for (const meter of this.meters) meter.sealed()
  }

  committed(): void {
    addTo(this.#committed, this.#inFlight)
    this.#inFlight = none()
    for (const tally of this.#tallies) tally.committed()
    for (const meter of this.meters) meter.committed()
  }

  /** The commit in flight was not made. */
  refused(): void {
    this.#inFlight = none()
    for (const tally of this.#tallies) tally.refused()
    for (const meter of this.meters) meter.refused()
  }

  /** What was done since the last seal has been taken back. */
  undone(): void {
    Object.assign(this.now, none())
    for (const tally of this.#tallies) tally.undone()
    for (const meter of this.meters) meter.undone()
  }

  readonly #tallies = [this.refusals, this.refusedBy, this.lettersBy, this.late]

  /** In commits that were made: it never goes back. */
  get settled(): Counts {
    return { ...this.#committed }
  }

  get total(): Counts {
    const total = { ...this.#committed }
    addTo(total, this.#inFlight)
    addTo(total, this.now)
    return total
  }
}

function addTo(total: Counts, more: Counts): void {
  for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += more[name]
}
