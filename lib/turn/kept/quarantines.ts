/**
 * Which objects of a task are in quarantine, kept beside the rows that say so, so that asking how many costs nothing. By key of the row.
 */
export class Quarantines {
  readonly #keys = new Set<string>()
  /** Those that came or went since the last seal. */
  #changed = new Set<string>()
  /** And in the commit before. */
  #sealed = new Set<string>()

  get size(): number {
    return this.#keys.size
  }

  /** It was in quarantine when the task was taken over. */
  found(row: string): void {
    this.#keys.add(row)
  }

  /** Whether that is new. */
  note(row: string, isIn: boolean): boolean {
    if (this.#keys.has(row) === isIn) return false
    this.#set(row, isIn)
    this.#changed.add(row)
    return true
  }

  /** What changed until now is in a commit. */
  sealed(): void {
    this.#sealed = this.#changed
    this.#changed = new Set()
  }

  /** Rows are what they were, at the last seal or commit: `isIn` says what one is now. */
  undone(isIn: (row: string) => boolean): void {
    for (const row of new Set([...this.#sealed, ...this.#changed])) this.#set(row, isIn(row))
    this.#changed = new Set()
    this.#sealed = new Set()
  }

  #set(row: string, isIn: boolean): void {
    if (isIn) this.#keys.add(row)
    else this.#keys.delete(row)
  }
}
