import type { Clock } from '../../core/clock.js'

/** Until when something is waited for. */
export class Deadline {
  readonly #clock: Clock
  readonly #at: number
  readonly #signal: AbortSignal | undefined

  /** `signal`: ends it early. */
  constructor(clock: Clock, ms: number, signal?: AbortSignal) {
    this.#clock = clock
    this.#at = clock.elapsed() + ms
    this.#signal = signal
  }

  get leftMs(): number {
    return this.#signal?.aborted === true ? 0 : Math.max(0, this.#at - this.#clock.elapsed())
  }

  get isOver(): boolean {
    return this.leftMs === 0
  }

  /** So long, or until it is over. */
  async sleep(ms: number): Promise<void> {
    await this.#clock.sleep(Math.min(ms, this.leftMs), this.#signal)
  }

  /** Rejects with `late()` when it is over first; what it waited for is left to itself. */
  async race<T>(work: Promise<T>, late: () => Error): Promise<T> {
    const done = new AbortController()
    const end = (): void => done.abort()
    this.#signal?.addEventListener('abort', end, { once: true })
    work.catch(() => undefined)
    try {
      const over = this.#clock.sleep(this.leftMs, done.signal).then(() => {
        throw late()
      })
      return await Promise.race([work, over])
    } finally {
      end()
      this.#signal?.removeEventListener('abort', end)
    }
  }
}
