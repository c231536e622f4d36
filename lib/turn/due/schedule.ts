import type { Due, DueTime } from '../../state/due.js'
import type { TaskState } from '../../state/task-state.js'
import { DueHeap } from './due-heap.js'

/** What is read from the store at once. */
const readAtOnce = 10_000
/** What is due within this time is kept in memory, milliseconds. Event time passes faster when there is a backlog. */
const nearMs: Readonly<Record<DueTime, number>> = { processing: 60_000, prompt: 60_000, event: 600_000 }

/**
 * What is due when, of one task and by one time. Only what is near is in memory; the rest stands in the store, in order, and
 * is read as time goes on. It may name things that are no longer due: whoever takes them looks at the object, and adds what
 * that is due for next.
 */
export class Schedule {
  readonly #time: DueTime
  readonly #state: TaskState
  readonly #onRead: () => void
  readonly #onError: (error: unknown) => void
  /** Things of `pinned` objects are not in the store yet. */
  readonly #pinned: (list: (due: Due) => void) => void
  readonly #isOwn: (due: Due) => boolean
  readonly #heap = new DueHeap()
  /** All that is due before is in memory. */
  #horizon = -Infinity
  #reading = false
  #epoch = 0

  constructor(options: {
    time: DueTime
    state: TaskState
    pinned: (list: (due: Due) => void) => void
    /** Of what the store lists by this time; all of it, when that is not given. */
    isOwn?: (due: Due) => boolean
    onRead: () => void
    onError: (error: unknown) => void
  }) {
    this.#time = options.time
    this.#state = options.state
    this.#pinned = options.pinned
    this.#isOwn = options.isOwn ?? (() => true)
    this.#onRead = options.onRead
    this.#onError = options.onError
  }

  /** Something is due at a time that was not known before. */
  add(due: Due): void {
    if (due.dueMs < this.#horizon) this.#heap.add(due)
  }

  /** What is due first, when it is due by now; then it is forgotten here. */
  take(now: number): Due | undefined {
    const first = this.#heap.peek()
    // While it is being read, something earlier may still come.
    if (first === undefined || first.dueMs > now || first.dueMs >= this.#horizon || this.#reading) return undefined
    return this.#heap.take()
  }

  /** Entries in memory. */
  get size(): number {
    return this.#heap.size
  }

  /** Objects that are due by `now` and in memory. */
  dueBy(now: number): number {
    return this.#heap.dueBy(now)
  }

  /** When there is something to do next: never later than that, if nothing is added. */
  get next(): number {
    return Math.min(this.#heap.peek()?.dueMs ?? Infinity, this.#horizon)
  }

  /** Whether all that is due by `now` is in memory. */
  isComplete(now: number): boolean {
    return now < this.#horizon && !this.#reading
  }

  /** Reads on when time has come near to what is not in memory. */
  lookAhead(now: number): void {
    if (this.#reading || now < this.#horizon) return
    this.#reading = true
    const epoch = this.#epoch
    // What happens to a read that nobody waits for any more does not matter: its store may be closed.
    this.#read(now).then(
      () => {
        if (epoch !== this.#epoch) return
        this.#reading = false
        this.#onRead()
      },
      (error: unknown) => epoch === this.#epoch && this.#onError(error),
    )
  }

  /** Forgets all, and begins anew with what the objects say now. */
  reset(): void {
    this.#epoch++
    this.#heap.clear()
    this.#horizon = -Infinity
    this.#reading = false
  }

  async #read(now: number): Promise<void> {
    const from = this.#horizon
    const to = now + nearMs[this.#time]
    const epoch = this.#epoch
    const isNear = (due: Due): boolean => due.dueMs >= from && due.dueMs < to && this.#isOwn(due)
    // From here on what is added is put into memory: nothing falls between the store and this.
    this.#horizon = to
    this.#pinned((due) => isNear(due) && this.#heap.add(due))
    let last = from
    let read = 0
    for await (const due of this.#state.due(this.#time, from, to)) {
      if (epoch !== this.#epoch) return
      if (!this.#isOwn(due)) continue
      if (read >= readAtOnce && due.dueMs > last) {
        // The rest is read when these are done. What was added meanwhile and is due later is found again then.
        this.#horizon = due.dueMs
        break
      }
      this.#heap.add(due)
      last = due.dueMs
      read++
    }
  }
}
