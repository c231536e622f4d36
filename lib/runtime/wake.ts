import type { Clock } from '../core/clock.js'

/** Lets a loop sleep until something happens: a wake during the work before counts. */
export class Wake {
  readonly #clock: Clock
  #woken = false
  #sleeping: AbortController | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake = (): void => {
    this.#woken = true
    this.#sleeping?.abort()
  }

  async wait(ms: number): Promise<void> {
    if (!this.#woken) {
      this.#sleeping = new AbortController()
      await this.#clock.sleep(ms, this.#sleeping.signal)
      this.#sleeping = undefined
    }
    this.#woken = false
  }
}
