/** So often all was done again before an input's turns are run with caution. */
const few = 3
/** How long after it was last of use: redos further apart than this cost less than caution does. */
const whileMs = 10_000

/**
 * How turns of one input are run. A turn that fails is taken back alone when it is known what its object was before; where it is
 * not, all that was done since the last seal is done again. So after a few of those an object that has been changed in the same
 * commit is copied before each turn, and, when it was the state that could not be kept, each state is looked at as it is when a
 * commit is sealed. Times are of the monotonic clock, milliseconds.
 */
export class Caution {
  /** A field, since it is asked before every turn. */
  isUp = false
  /** States are looked at too. */
  isClose = false
  #redone = 0
  #until = -Infinity
  #closeUntil = -Infinity

  /** All had to be done again; `forState`: since a state could not be kept. */
  redone(now: number, forState: boolean): void {
    if (now >= this.#until) this.#redone = 0
    this.#extend(now, forState)
    if (++this.#redone < few) return
    this.isUp = true
    this.isClose ||= forState
  }

  /** It was up and has been of use: without it all would have had to be done again. */
  spared(now: number, forState: boolean): void {
    this.#extend(now, forState)
  }

  /** Ends it when it has been of no use for a while. */
  isOver(now: number): boolean {
    if (now >= this.#closeUntil) this.isClose = false
    if (now < this.#until) return false
    this.isUp = false
    return true
  }

  #extend(now: number, forState: boolean): void {
    this.#until = now + whileMs
    if (forState) this.#closeUntil = this.#until
  }
}
