import type { Numbered, OracleState } from './program.js'

export type { Numbered }

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

/** What has been fed for one object: how many records ever, and since it was created last. */
interface Fed {
  n: number
  place: number
}

/** What the tests feed and what must come of it: n of each object goes 1, 2, 3, … in the order of the input. */
export class Input {
  readonly #fed = new Map<string, Fed>()
  readonly #random: () => number
  readonly #deletes: number
  records = 0

  /** `deletes`: the part of the records that delete their object. */
  constructor(seed: number, deletes = 0) {
    this.#random = seeded(seed)
    this.#deletes = deletes
  }

  /** The n of each object's last record. */
  get counts(): ReadonlyMap<string, number> {
    return new Map([...this.#fed].map(([key, { n }]) => [key, n]))
  }

  /** The fold over the input: the state of each object that has not been deleted. */
  get states(): ReadonlyMap<string, OracleState> {
    const alive = [...this.#fed].filter(([, { place }]) => place > 0)
    return new Map(alive.map(([key, { n, place }]) => [key, stateAfter(n, place)]))
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
    const fed = this.#fed.get(key) ?? { n: 0, place: 0 }
    const ends = this.#deletes > 0 && this.#random() < this.#deletes
    const record = { key, n: fed.n + 1, place: fed.place + 1, ends }
    this.#fed.set(key, { n: record.n, place: ends ? 0 : record.place })
    this.records++
    return record
  }
}

/**
 * The record key. Not the object's key, so that most records must hop; the same for all records of an object, so that
 * they share a source partition and their order is defined.
 */
export const groupOf = ({ key }: Numbered): string => `group-${Number(key.slice('object-'.length)) % 64}`

/** The state of an object whose last record is its n-th, and its `place`-th since it was created. */
export function stateAfter(n: number, place = n): OracleState {
  const kept = Math.min(4, place)
  return { count: place, last: Array.from({ length: kept }, (_, i) => n - kept + 1 + i) }
}
