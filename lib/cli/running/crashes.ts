/** A process that ends sooner after its start has not worked. */
export const quickMs = 10_000
const firstMs = 500
const longestMs = 30_000

/** When a process that ended is started again, and when that is given up. */
export class Crashes {
  readonly #limit: number
  #quick = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Milliseconds until it is started again; undefined: it has ended at once too often. */
  ended(livedMs: number): number | undefined {
    if (livedMs >= quickMs) this.#quick = 0
    if (this.#quick >= this.#limit) return undefined
    const waitMs = this.#quick === 0 ? (livedMs >= quickMs ? 0 : firstMs) : firstMs * 2 ** this.#quick
    this.#quick++
    return Math.min(longestMs, waitMs)
  }
}
