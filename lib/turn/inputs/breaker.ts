import type { BreakerPolicy } from '../../model/kind.js'

/** What a breaker has to say, for people. */
export interface Pause {
  /** Milliseconds since the epoch. */
  readonly since: number
  /** What failed last before it paused. */
  readonly reason: string
  /** Objects that failed one after the other before it paused. */
  readonly objects: number
}

/**
 * Of one input, in one process: after so many different objects have failed in a row it is open, and the input pauses. One turn
 * passes at intervals, by turns one that waits and one of a new record, and the first that succeeds closes it. What fails while
 * it is open costs no attempt: it is not the fault of the record. Times are of the clock, milliseconds.
 */
export class Breaker {
  /** A field, since it is asked before every turn. */
  isOpen = false
  pause: Pause | undefined
  readonly #policy: BreakerPolicy
  /** Told when it opens and closes. */
  onChange: (breaker: Breaker) => void = () => undefined
  readonly #failing = new Set<string>()
  /** Those that had failed when it was closed: that they fail again says nothing new. */
  #known = new Set<string>()
  /** When the next turn may pass. */
  #probeAt = Infinity
  /** That is one of those that wait; else of a new record. */
  #isOfWaiting = true
  /** What is due and must wait, by name of its object: called, it is due again. */
  readonly #aside = new Map<string, () => void>()

  constructor(policy: BreakerPolicy) {
    this.#policy = policy
  }

  failed(object: string, now: number, reason: string): void {
    if (this.isOpen) this.#known.add(object)
    if (this.isOpen || this.#known.has(object)) return
    this.#failing.add(object)
    if (this.#failing.size < this.#policy.after) return
    this.pause = { since: now, reason, objects: this.#failing.size }
    this.isOpen = true
    this.#known = new Set(this.#failing)
    this.#isOfWaiting = true
    this.#probeAt = now + this.#policy.probeMs
    this.onChange(this)
  }

  succeeded(): void {
    this.#failing.clear()
    if (!this.isOpen) return
    this.isOpen = false
    this.onChange(this)
    this.pause = undefined
    this.#probeAt = Infinity
    const aside = [...this.#aside.values()]
    this.#aside.clear()
    for (const again of aside) again()
  }

  /** Whether the turn of a new record may pass. */
  admitsRecord(now: number): boolean {
    return this.takesRecords(now) && this.#passes(now)
  }

  /** Whether one that waits may pass. When not, `again` is called when it may. */
  admitsWaiting(object: string, now: number, again: () => void): boolean {
    this.#aside.delete(object)
    if (this.#takesWaiting(now) && this.#passes(now)) return true
    this.#aside.set(object, again)
    return false
  }

  /** Whether new records are read to find one whose turn passes. */
  takesRecords(now: number): boolean {
    return now >= this.#probeAt && (!this.#isOfWaiting || this.#aside.size === 0 || this.#isIdle(now))
  }

  /** Lets the next of those that wait pass, where it is its turn; whether there was one. */
  probe(now: number): boolean {
    if (!this.isDue(now)) return false
    const [first] = this.#aside
    if (first === undefined) return false
    this.#aside.delete(first[0])
    first[1]()
    return true
  }

  /** When it is to be looked at again; infinite when there is no such time. */
  nextLook(now: number): number {
    if (!this.isOpen) return Infinity
    if (now < this.#probeAt) return this.#probeAt
    return this.#isIdle(now) ? Infinity : this.#probeAt + this.#policy.probeMs
  }

  /** Whether one that waits is to be tried now. */
  isDue(now: number): boolean {
    return this.isOpen && this.#aside.size > 0 && this.#takesWaiting(now)
  }

  get waiting(): number {
    return this.#aside.size
  }

  #takesWaiting(now: number): boolean {
    return now >= this.#probeAt && (this.#isOfWaiting || this.#isIdle(now))
  }

  /** Whose turn it was has not come: any may pass. */
  #isIdle(now: number): boolean {
    return now >= this.#probeAt + this.#policy.probeMs
  }

  #passes(now: number): boolean {
    this.#probeAt = now + this.#policy.probeMs
    this.#isOfWaiting = !this.#isOfWaiting
    return true
  }
}
