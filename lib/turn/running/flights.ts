import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { ActiveTurn } from './active-turn.js'
import type { Guard } from '../kept/guard.js'
import type { Work } from './work.js'

/** Asynchronous turns under way and turns that wait for them, in a process: above it nothing more is read. */
const most = 256
/**
 * Once there are so many, reading goes on when there are no more than this: 28 CPU µs a turn against 64 when it goes on with
 * each that ends (bench/async-turns, on a busy machine).
 */
const few = 192
/** Turns that wait for one object. A commit waits for them all, so they are few. */
const mostPerObject = 8
/** Between two looks at turns that take too long. */
const lookMs = 50

/** An asynchronous turn that is under way. */
export interface Flight {
  readonly work: Work
  readonly turn: ActiveTurn
  /** The object as it was before; undefined when that is not known. */
  readonly before: string | null | undefined
  /** The commit that carried its latest change before this turn; 0 when there was none. */
  readonly dirtyIn: number
  readonly guard: Guard
}

/** Asynchronous turns: which are under way, and who waits for them. */
export class Flights {
  readonly #clock: Clock
  readonly #onLanded: (flight: Flight, error: unknown) => void
  readonly #onRoom: () => void
  /** Objects that turns wait for. */
  readonly #queued = new Set<Guard>()
  readonly #deadlines = new Map<Flight, number>()
  #waiting = 0
  #isFull = false
  #crowded = 0
  #stopLooking: (() => void) | undefined
  #onIdle: (() => void) | undefined

  /** `onLanded`: `error` is undefined when the turn has ended well. `onRoom`: more may be begun, or none is under way. */
  constructor(clock: Clock, onLanded: (flight: Flight, error: unknown) => void, onRoom: () => void) {
    this.#clock = clock
    this.#onLanded = onLanded
    this.#onRoom = onRoom
  }

  /** None is under way and none waits. */
  get idle(): boolean {
    return this.#deadlines.size === 0
  }

  /** Nothing more should be begun before some have ended. */
  get full(): boolean {
    return this.#isFull || this.#crowded > 0
  }

  #counted(): void {
    const all = this.#deadlines.size + this.#waiting
    this.#isFull = all >= most || (this.#isFull && all > few)
  }

  /** Resolves to whether all have ended within `ms`. */
  async untilIdle(ms: number): Promise<boolean> {
    if (this.idle) return true
    const ended = new AbortController()
    this.#onIdle = () => ended.abort()
    await this.#clock.sleep(ms, ended.signal)
    this.#onIdle = undefined
    return this.idle
  }

  takeOff(flight: Flight, promise: PromiseLike<unknown>): void {
    flight.guard.busy = true
    this.#deadlines.set(flight, this.#clock.elapsed() + flight.work.source.timeoutMs)
    this.#counted()
    this.#stopLooking ??= this.#clock.every(lookMs, () => this.#look())
    // Of this realm: what only behaves like a promise may call back at once, twice, or throw.
    Promise.resolve(promise).then(
      (value) =>
        this.#land(
          flight,
          value === undefined
            ? undefined
            : new TypeError('its promise gave a value; change the state in place and give nothing'),
        ),
      (error: unknown) => this.#land(flight, error ?? new TypeError('its promise was rejected without an error')),
    )
  }

  /** `run` waits for the turn under way on its object, and for those that wait already. */
  queue(guard: Guard, run: () => void): void {
    this.#waiting++
    this.#queued.add(guard)
    this.#counted()
    if (guard.queue.push(run) === mostPerObject) this.#crowded++
  }

  /** Runs what waits first. */
  next(guard: Guard): void {
    if (guard.queue.length === mostPerObject) this.#crowded--
    this.#waiting--
    this.#counted()
    const run = guard.queue.shift()
    if (guard.queue.length === 0) this.#queued.delete(guard)
    run?.()
  }

  /** Forgets all that is under way, and what waits for it: what it still does has no effect. */
  cutOff(why: string): void {
    for (const { turn, guard, work } of this.#deadlines.keys()) {
      turn.cutOff(
        new MillraceError('TURN_CUT_OFF', `a turn of ${work.source.kind.name} '${work.key}' was cut off: ${why}`),
      )
      guard.busy = false
    }
    // Also of objects whose turn has just ended, and whose next one failed.
    for (const guard of this.#queued) guard.queue.length = 0
    this.#queued.clear()
    this.#deadlines.clear()
    this.#waiting = this.#crowded = 0
    this.#isFull = false
    this.#rest()
  }

  #land(flight: Flight, error: unknown): void {
    if (!this.#deadlines.delete(flight)) return
    const wasFull = this.full
    this.#counted()
    flight.guard.busy = false
    this.#onLanded(flight, error)
    if (this.idle) this.#rest()
    if (this.idle || (wasFull && !this.full)) this.#onRoom()
  }

  #look(): void {
    const now = this.#clock.elapsed()
    for (const [flight, deadline] of this.#deadlines) {
      if (deadline > now) continue
      const { source, key } = flight.work
      const late = new MillraceError(
        'TURN_TIMEOUT',
        `a turn of ${source.kind.name} '${key}' (${source.id}) took longer than ${source.timeoutMs} ms (turnTimeout)`,
        { kind: source.kind.name, key },
      )
      flight.turn.cutOff(late)
      this.#land(flight, late)
    }
  }

  #rest(): void {
    this.#stopLooking?.()
    this.#stopLooking = undefined
    this.#onIdle?.()
  }
}
