/** How often things have happened, by name; what is taken back and done again counts once, as in `Counters`. */
export class Tally {
  /** Since the last seal, in the commit in flight, and committed. */
  #now = new Map<string, number>()
  #inFlight = new Map<string, number>()
  readonly #committed = new Map<string, number>()

  add(name: string): void {
    addTo(this.#now, name, 1)
  }

  /** What no commit can take back. */
  addForGood(name: string): void {
    addTo(this.#committed, name, 1)
  }

  of(name: string): number {
    return [this.#now, this.#inFlight, this.#committed].reduce((sum, counts) => sum + (counts.get(name) ?? 0), 0)
  }

  /** In commits that were made. */
  get settled(): ReadonlyMap<string, number> {
    return this.#committed
  }

  /** Of what is committed. */
  forget(name: string): void {
    this.#committed.delete(name)
  }

  sealed(): void {
    if (this.#now.size === 0 && this.#inFlight.size === 0) return
    this.#inFlight = this.#now
    this.#now = new Map()
  }

  committed(): void {
    for (const [name, count] of this.#inFlight) addTo(this.#committed, name, count)
    this.#inFlight.clear()
  }

  /** The commit in flight was not made. */
  refused(): void {
    this.#inFlight.clear()
  }

  /** What was done since the last seal has been taken back. */
  undone(): void {
    this.#now.clear()
  }
}

function addTo(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more)
}
