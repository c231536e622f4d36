/** Ids in one row: so many, or so many characters, and then another row. */
const mostIds = 1_000
const mostCharacters = 100_000

/** Rows that a commit writes: ids that were added, by the number of their row, and numbers of rows that are not needed any more. */
export interface SealedIds {
  readonly written: readonly (readonly [number: number, ids: readonly string[]])[]
  readonly dropped: readonly number[]
}

/**
 * The last ids of a partition, with the rows they stand in. A row goes when all of its ids are too old: so what is kept is what the
 * window says, and one row of a commit more.
 */
export class IdWindow {
  readonly #size: number
  /** In the order in which they came. */
  readonly #ids = new Set<string>()
  /** How many ids of each row are in the window, oldest row first. */
  readonly #rows = new Map<number, number>()
  #next = 0
  #added: string[] = []

  constructor(size: number) {
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  /** The rows there are: from the first number to below the last. */
  get range(): readonly [first: number, next: number] {
    const [first = this.#next] = this.#rows.keys()
    return [first, this.#next]
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.add(id)
    this.#added.push(id)
  }

  /**
   * Rows that were read, in the order of their numbers, of which the last is below `next`. `isElsewhere`: rows are not looked for
   * there any more, so all ids are written again.
   */
  restore(
    rows: readonly (readonly [number: number, ids: readonly string[]])[],
    next: number,
    isElsewhere = false,
  ): void {
    this.#next = next
    const newest = new Set<string>()
    const held = rows.map(() => 0)
    // From the last one on: the window may have been larger, or smaller, when they were written.
    for (let at = rows.length - 1; at >= 0; at--)
      for (const id of (rows[at] as (typeof rows)[number])[1].toReversed()) {
        if (newest.size >= this.#size || newest.has(id)) continue
        newest.add(id)
        held[at] = (held[at] as number) + 1
      }
    for (const id of [...newest].reverse()) this.#ids.add(id)
    if (isElsewhere) {
      this.#added = [...this.#ids]
      return
    }
    rows.forEach(([number], at) => this.#rows.set(number, held[at] as number))
  }

  seal(): SealedIds {
    const written = [...chunks(this.#added)].map((ids) => [this.#next++, ids] as const)
    for (const [number, { length }] of written) this.#rows.set(number, length)
    this.#added = []
    const dropped: number[] = []
    for (const [row, held] of this.#rows) {
      const surplus = this.#ids.size - this.#size
      if (surplus <= 0) break
      this.#forget(Math.min(surplus, held))
      if (surplus < held) {
        this.#rows.set(row, held - surplus)
        break
      }
      this.#rows.delete(row)
      dropped.push(row)
    }
    const firstOwn = written[0]?.[0] ?? this.#next
    return {
      written: written.filter(([number]) => !dropped.includes(number)),
      dropped: dropped.filter((number) => number < firstOwn),
    }
  }

  #forget(count: number): void {
    for (const id of this.#ids) {
      if (count-- === 0) return
      this.#ids.delete(id)
    }
  }
}

function* chunks(ids: readonly string[]): Iterable<readonly string[]> {
  let from = 0
  let characters = 0
  for (let at = 0; at < ids.length; at++) {
    const { length } = ids[at] as string
    if (at > from && (at - from >= mostIds || characters + length > mostCharacters)) {
      yield ids.slice(from, at)
      from = at
      characters = 0
    }
    characters += length
  }
  if (from < ids.length) yield ids.slice(from)
}
