import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { Agenda } from '../due/agenda.js'
import type { Guard } from '../kept/guard.js'
import type { Room } from '../inputs/room.js'
import type { ActiveTurn } from './active-turn.js'
import type { Work } from './work.js'

/** Turns that wait in memory for one object, above which nothing more of their input is read. */
const mostPerObject = 8
/** Between two looks at turns that take too long. */
const lookMs = 50

/** An asynchronous turn. */
export class Flight {
  readonly work: Work
  readonly turn: ActiveTurn
  /** The object as it was before; undefined when that is not known. */
  readonly before: string | null | undefined
  /** The commit that carried its latest change before this turn; 0 when there was none. */
  readonly dirtyIn: number
  /** The commit it was begun in. */
  readonly seq: number
  readonly guard: Guard
  /** By the monotonic clock, milliseconds. */
  readonly since: number

  constructor(
    work: Work,
    turn: ActiveTurn,
    before: string | null | undefined,
    dirtyIn: number,
    seq: number,
    guard: Guard,
    since: number,
  ) {
    this.work = work
    this.turn = turn
    this.before = before
    this.dirtyIn = dirtyIn
    this.seq = seq
    this.guard = guard
    this.since = since
  }

  get isLoose(): boolean {
    return !this.guard.parked
  }
}

/** Asynchronous turns: which are under way, and who waits for them. */
export class Flights {
  readonly #clock: Clock
  readonly #onLanded: (flight: Flight, error: unknown) => void
  readonly #onRoom: () => void
  /** Objects that turns wait for in memory, and those for which too many wait. */
  readonly #queued = new Set<Guard>()
  readonly #crowded = new Set<Guard>()
  readonly #underWay = new Set<Flight>()
  /** How many of those are not parked. */
  #looseCount = 0
  /** Inputs of which nothing more is to be read for now. */
  readonly #held = new Set<Room>()
  #stopLooking: (() => void) | undefined
  #onIdle: (() => void) | undefined

  /**
   * `onLanded`: `error` is undefined when the turn has ended well. `onRoom`: more may be begun of some input, or no commit waits
   * for any turn.
   */
  constructor(clock: Clock, onLanded: (flight: Flight, error: unknown) => void, onRoom: () => void) {
    this.#clock = clock
    this.#onLanded = onLanded
    this.#onRoom = onRoom
  }

  /** None is under way and none waits. */
  get idle(): boolean {
    return this.#underWay.size === 0
  }

  /** How many are under way, how many of those stand in rows, and how many turns wait for them in memory. */
  get counts(): { readonly underWay: number; readonly parked: number; readonly queued: number } {
    let queued = 0
    for (const { queue } of this.#queued) queued += queue.length
    return { underWay: this.#underWay.size, parked: this.#underWay.size - this.#looseCount, queued }
  }

  /** The one that was begun first. */
  get first(): Flight | undefined {
    const [first] = this.#underWay
    return first
  }

  /** Nothing more of some input is to be read for now. */
  get anyHeld(): boolean {
    return this.#held.size > 0
  }

  /** Nothing more of some input is to be read, for a moment only. */
  get anyHeldShortly(): boolean {
    for (const room of this.#held) if (room.isQuick) return true
    return false
  }

  /** Those that are not parked. */
  get loose(): readonly Flight[] {
    return this.#looseCount === 0 ? [] : [...this.#underWay].filter(({ isLoose }) => isLoose)
  }

  /** Whether one that is not parked is likely to end at once, so that a commit may as well wait for it. */
  get endSoon(): boolean {
    if (this.#looseCount === 0) return false
    const now = this.#clock.elapsed()
    for (const { work, since, isLoose } of this.#underWay)
      if (isLoose && work.source.room.endsSoon(now - since)) return true
    return false
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
    this.#underWay.add(flight)
    this.#looseCount++
    this.#take(flight.work.source.room)
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

  /** No commit waits for it any longer. */
  park(flight: Flight): void {
    this.#looseCount--
    flight.guard.parked = true
  }

  /** `run`, of an input with this room, waits for the turn under way on its object, and for those that wait already. */
  queue(guard: Guard, room: Room, run: () => void): void {
    this.#queued.add(guard)
    this.#take(room)
    if (guard.queue.push({ room, run }) === mostPerObject) this.crowd(guard, room)
  }

  /** Runs what waits first. */
  next(guard: Guard): void {
    if (guard.queue.length === mostPerObject) this.ease(guard)
    const first = guard.queue.shift()
    if (guard.queue.length === 0) this.#queued.delete(guard)
    if (first === undefined) return
    this.#give(first.room)
    first.run()
  }

  /** Too many turns wait for an object: nothing more of that input is read. */
  crowd(guard: Guard, room: Room): void {
    if (guard.crowds !== undefined) return
    guard.crowds = room
    room.crowd()
    this.#crowded.add(guard)
    this.#held.add(room)
  }

  ease(guard: Guard): void {
    const { crowds } = guard
    if (crowds === undefined) return
    guard.crowds = undefined
    crowds.ease()
    this.#crowded.delete(guard)
    this.#letGo(crowds)
  }

  /** Forgets what is under way on objects of these agendas, and what waits for it: what it still does has no effect. */
  cutOff(why: string, isOf: (agenda: Agenda) => boolean = () => true): void {
    // Rule cut-off-lost (integration/model).
    for (const flight of this.#underWay) {
      const { turn, guard, work } = flight
      if (!isOf(work.agenda)) continue
      turn.cutOff(
        new MillraceError('TURN_CUT_OFF', `a turn of ${work.source.kind.name} '${work.key}' was cut off: ${why}`),
      )
      this.#gone(flight)
      this.#forget(guard)
    }
    if (!this.idle) return
    // Also of objects whose turn has just ended, and whose next one failed.
    for (const guard of [...this.#queued, ...this.#crowded]) this.#forget(guard)
    this.#rest()
  }

  #forget(guard: Guard): void {
    for (const { room } of guard.queue.splice(0)) this.#give(room)
    this.#queued.delete(guard)
    this.ease(guard)
  }

  #take(room: Room): void {
    room.take()
    if (room.isHeld) this.#held.add(room)
  }

  #give(room: Room): void {
    room.give()
    this.#letGo(room)
  }

  #letGo(room: Room): void {
    if (!room.isHeld && this.#held.delete(room)) this.#onRoom()
  }

  /** False when it had gone before. */
  #gone(flight: Flight): boolean {
    if (!this.#underWay.delete(flight)) return false
    if (flight.isLoose) this.#looseCount--
    this.#give(flight.work.source.room)
    flight.guard.busy = flight.guard.parked = false
    return true
  }

  #land(flight: Flight, error: unknown): void {
    const { isLoose, work, since } = flight
    if (!this.#gone(flight)) return
    const ms = this.#clock.elapsed() - since
    work.source.room.took(ms)
    work.source.meter.tookMs(ms)
    if (!isLoose) work.table.unpark(work.entry)
    this.#onLanded(flight, error)
    if (this.idle) this.#rest()
    if (this.idle || (isLoose && this.#looseCount === 0)) this.#onRoom()
  }

  #look(): void {
    const now = this.#clock.elapsed()
    for (const flight of this.#underWay) {
      const { source, key } = flight.work
      if (flight.since + source.timeoutMs > now) continue
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
