import type { Clock } from '../../core/clock.js'
import type { StreamEvent } from '../../http/event-stream.js'
import type { Overview } from './overview.js'
import type { Snapshot } from './shapes.js'

const everyMs = 1_000

/** A snapshot each second to whoever listens, gathered once for all of them, and not at all when there is nobody. */
export class Live {
  readonly #overview: Overview
  readonly #clock: Clock
  #coming: Promise<Snapshot> | undefined
  #lastAt = -Infinity

  constructor(overview: Overview, clock: Clock) {
    this.#overview = overview
    this.#clock = clock
  }

  /** Who reads slowly misses some. */
  async *events(signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    while (!signal.aborted) {
      const data = await this.#next()
      if (!signal.aborted) yield { data }
    }
  }

  #next(): Promise<Snapshot> {
    this.#coming ??= this.#gather().finally(() => (this.#coming = undefined))
    return this.#coming
  }

  async #gather(): Promise<Snapshot> {
    await this.#clock.sleep(Math.max(0, this.#lastAt + everyMs - this.#clock.elapsed()))
    this.#lastAt = this.#clock.elapsed()
    return this.#overview.snapshot()
  }
}
