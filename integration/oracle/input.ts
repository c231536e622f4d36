/** One record of the input: the n-th of its object, counted from 1. */
export interface Numbered {
  readonly key: string
  readonly n: number
}

/** Seeded pseudo-random numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What the tests feed and what must come of it: n of each object goes 1, 2, 3, … in the order of the input. */
export class Input {
  /** Records per object so far: the fold over the input, as count and last n are the same number. */
  readonly counts = new Map<string, number>()
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seeded(seed)
  }

  get records(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** One record for each of the objects from..to-1. */
  *each(from: number, to: number): Generator<Numbered> {
    for (let i = from; i < to; i++) yield this.#next(i)
  }

  /** Records for objects drawn at random from the first `objects`. */
  *mixed(records: number, objects: number): Generator<Numbered> {
    for (let i = 0; i < records; i++) yield this.#next(Math.floor(this.#random() * objects))
  }

  #next(object: number): Numbered {
    const key = `object-${object}`
    const n = (this.counts.get(key) ?? 0) + 1
    this.counts.set(key, n)
    return { key, n }
  }
}

/**
 * The record key. Not the object's key, so that most records must hop; the same for all records of an object, so that
 * they share a source partition and their order is defined.
 */
export const groupOf = ({ key }: Numbered): string => `group-${Number(key.slice('object-'.length)) % 64}`

/** The state an object must have after `count` records. */
export function stateAfter(count: number): { count: number; last: number[]; violation: string | null } {
  const kept = Math.min(4, count)
  return { count, last: Array.from({ length: kept }, (_, i) => count - kept + 1 + i), violation: null }
}
