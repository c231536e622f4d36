import { compareKeys } from '../key-order.js'

/** A map of strings that can be read in key order. Keys are put in order only when they are asked for that way. */
export class OrderedMap {
  readonly #values = new Map<string, string>()
  /** Keys in order as of the last `between`; some may be gone since. */
  #ordered: string[] = []
  /** Keys that are new since then. */
  readonly #added = new Set<string>()

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string): void {
    if (!this.#values.has(key)) this.#added.add(key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    this.#values.delete(key)
    this.#added.delete(key)
  }

  /** A copy of the entries with `from <= key < to`, in key order, at most `limit` of them. */
  between(from: string, to: string, limit: number): (readonly [string, string])[] {
    this.#order()
    const found: (readonly [string, string])[] = []
    for (let i = this.#indexOf(from); i < this.#ordered.length && found.length < limit; i++) {
      const key = this.#ordered[i]!
      if (compareKeys(key, to) >= 0) break
      const value = this.#values.get(key)
      if (value !== undefined) found.push([key, value])
    }
    return found
  }

  #order(): void {
    if (this.#added.size === 0) return
    const added = [...this.#added].sort(compareKeys)
    const kept = this.#ordered.filter((key) => this.#values.has(key) && !this.#added.has(key))
    this.#added.clear()
    // Two runs in order: the engine's merge sort joins them in linear time.
    this.#ordered = kept.concat(added).sort(compareKeys)
  }

  /** Index of the first key that is not below `key`. */
  #indexOf(key: string): number {
    let low = 0
    let high = this.#ordered.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeys(this.#ordered[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
