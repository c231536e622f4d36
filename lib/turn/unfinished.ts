/**
 * Turns of a record that are too many to be run at once, as of windows of a day that begin every second. They are run on from
 * slice to slice, before anything else is, and nothing is sealed meanwhile: a record is part of one commit.
 */
export class Unfinished {
  #left: Iterator<void>[] = []

  get none(): boolean {
    return this.#left.length === 0
  }

  /** `turns` runs one each time it is asked for the next. */
  add(turns: Iterator<void>): void {
    this.#left.push(turns)
  }

  /** Runs turns until `mustStop`, asked once per `turnsPerLook`; true when none is left. Throws what turns throw. */
  run(mustStop: () => boolean): boolean {
    for (let first = this.#left[0]; first !== undefined; first = this.#left[0]) {
      for (let turns = 0; turns < turnsPerLook; turns++) {
        if (first.next().done !== true) continue
        this.#left.shift()
        break
      }
      if (mustStop()) return this.none
    }
    return true
  }

  /** Runs them all now. */
  finish(): void {
    this.run(() => false)
  }

  clear(): void {
    this.#left = []
  }
}

/** Turns between two looks at the clock. */
const turnsPerLook = 64
