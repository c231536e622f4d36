import { seeded } from '../oracle/input.js'

/** Choices that a seed decides. */
export class Random {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = seeded(seed)
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }

  /** One of them; throws when there is none. */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to pick from')
    return from[this.between(0, from.length - 1)] as T
  }

  /** `count` different ones, or all when there are fewer. */
  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from]
    return Array.from({ length: Math.min(count, from.length) }, () => {
      const [taken] = left.splice(this.between(0, left.length - 1), 1)
      return taken as T
    })
  }

  weighted<T extends { readonly weight: number }>(from: readonly T[]): T {
    let at = this.#next() * from.reduce((sum, { weight }) => sum + weight, 0)
    return from.find(({ weight }) => (at -= weight) < 0) ?? this.pick(from)
  }
}
