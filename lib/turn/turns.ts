import { reasonOf } from '../core/errors.js'
import { isThenable, kindOf } from '../core/record-checks.js'
import { isReused } from '../core/record.js'
import type { Tracer, TurnTrace } from '../core/telemetry/tracer.js'
import type { KindDefinition } from '../model/kind.js'
import { StateRefused, type Entry, type Table } from '../state/table.js'
import { ActiveTurn, type Emitted, type TurnSurroundings } from './running/active-turn.js'
import type { Failures } from './failing/failures.js'
import { Flight, Flights } from './running/flights.js'
import { carriedInfo, type TurnSource } from './kept/turn-source.js'
import { guardOf, guardOfEntry, type Guard } from './kept/guard.js'
import type { Outbox } from './output/outbox.js'
import { rowOf } from './output/published-row.js'
import { forgetLife, touchEveryMs, type Row } from './kept/row.js'
import { areSettled, settleSessionTimers } from './kept/session-timers.js'
import type { Sessions } from './windows/sessions.js'
import { dropTimer, dropTimers, setTimer } from './kept/timers.js'
import { deleted, emitted, timers } from './windows/turn-parts.js'
import { Unfinished } from './unfinished.js'
import type { Counters } from './running/counters.js'
import type { WatchedStates } from './running/watched-states.js'
import { carriedTurn, type Work } from './running/work.js'

export interface TurnsOptions extends TurnSurroundings {
  readonly outbox: Outbox
  /** Of topics, as far as they are known. */
  readonly partitions: ReadonlyMap<string, number>
  readonly failures: Failures
  /** Of each kind, by id. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>
  readonly counts: Counters
  /** The commit that will carry what turns do now. */
  readonly seq: () => number
  /** What an asynchronous turn has done cannot be taken back alone. */
  readonly onRedo: (redo: Redo | StateRefused) => void
  /** An asynchronous turn has ended. `isLater`: in another commit than it was begun in. */
  readonly onLanded: (isLater: boolean) => void
  /** Of asynchronous turns more may be begun, or none is under way. */
  readonly onRoom: () => void
  readonly onError: (error: unknown) => void
  readonly tracer: Tracer | undefined
  /** For tests. */
  readonly watched?: WatchedStates | undefined
}

/**
 * A turn has failed, and its object had been changed before in the same commit: all that was done since the last seal is to
 * be taken back and done again. Its object is then copied before each turn, so it happens once; and when it happens with several
 * objects, all of its input are: see `Caution`.
 */
export class Redo extends Error {}

/** Why turns are not to be tried. */
export interface Verdict {
  readonly error: Error
  /** Nothing of them fits into a dead letter but where they came from. */
  readonly brief: boolean
}

/** So many turns wait for one object that nothing more of their input is read, and so few that it is again. */
const mostBehind = 128
const fewBehind = 64

/** Runs turns: one at a time on each object, each with all of its effects or none. */
export class Turns {
  readonly #options: TurnsOptions
  readonly flights: Flights
  /** Turns of the record that is being read. */
  readonly unfinished = new Unfinished()
  turns = 0
  /** Something has paused: whoever reads is to look whether it may go on. */
  isInterrupted = false
  #verdict: Verdict | undefined

  constructor(options: TurnsOptions) {
    this.#options = options
    this.flights = new Flights(options.clock, (flight, error) => this.#landed(flight, error), options.onRoom)
  }

  /** Runs a turn, or sees to it that it is run later, or is put where turns of its object go. Throws `Redo`, and what stops the app. */
  run(work: Work): void {
    const { source, table, entry } = work
    if (this.#verdict !== undefined) return this.#fail(work, this.#verdict)
    if (source.breaker?.isOpen === true && !work.retries) return this.#runPaused(work)
    if (entry.guard === undefined && !source.isAsync)
      return source.caution.isUp ? this.#attemptWarily(work) : this.#attempt(work, undefined, false)
    const guard = guardOfEntry(table, entry)
    if (!guard.busy) return this.#pass(work, guard)
    this.#queue(work, guard, () => this.#pass(work, guard))
  }

  /** Behind the turn under way on its object: in a row where that one is in one, else in memory. */
  #queue(work: Work, guard: Guard, run: () => void): void {
    this.#keepRecord(work)
    if (guard.parked && this.#isHeld(work, guard)) return
    this.flights.queue(guard, work.source.room, run)
  }

  /** Its input pauses: it waits, unless it is the one that is tried. */
  #runPaused(work: Work): void {
    const guard = guardOfEntry(work.table, work.entry)
    const pass = (): void => {
      const { breaker } = work.source
      if (breaker?.isOpen !== true || breaker.admitsRecord(this.#options.clock.now())) return this.#pass(work, guard)
      this.#options.failures.putAside(work)
      this.isInterrupted = true
    }
    if (!guard.busy) return pass()
    this.#queue(work, guard, pass)
  }

  /** What `act` runs fails for good, in its place among the turns of its object, and is not tried. */
  failing(verdict: Verdict, act: () => void): void {
    const { failures } = this.#options
    this.#verdict = verdict
    failures.isBrief = verdict.brief
    try {
      act()
    } finally {
      this.#verdict = undefined
      failures.isBrief = false
    }
  }

  get areFailing(): boolean {
    return this.#verdict !== undefined
  }

  /** An object of this kind could not be kept as it was when a commit was to be sealed. */
  suspect(kind: string): void {
    for (const { caution } of this.#options.sources.get(kind)?.values() ?? [])
      caution.redone(this.#options.clock.elapsed(), true)
  }

  /** No turn is under way: looks for what was done to states since. */
  lookAtStates(): void {
    this.#options.watched?.look()
  }

  /** What was done since the last seal is taken back: nothing of it goes on. */
  takenBack(why: string): void {
    this.unfinished.clear()
    this.#options.watched?.forget()
    this.flights.cutOff(why)
  }

  #fail(work: Work, { error, brief }: Verdict): void {
    const { failures } = this.#options
    const guard = guardOfEntry(work.table, work.entry)
    const fail = (): void => {
      if (this.#isTakenBack(work) || (!work.retries && failures.holds(work))) return
      if (work.isDue?.() === false) return this.#passedOver(work)
      failures.failed(work, error, { final: true, brief })
    }
    if (!guard.busy) return fail()
    this.#keepRecord(work)
    this.flights.queue(guard, work.source.room, fail)
  }

  /** The reader goes on: what the turn needs of its record is kept. */
  #keepRecord(work: Work): void {
    if (!isReused(work.record)) return
    work.record = carriedInfo(work.source, carriedTurn(work).record)
  }

  /** Of a timer that has just come due: a turn before it may have done so, and then it does not wait behind another. */
  #isTakenBack({ timer, retries, letter, isDue }: Work): boolean {
    return timer !== undefined && !retries && letter === undefined && isDue?.() === false
  }

  #pass(work: Work, guard: Guard): void {
    if (this.#isTakenBack(work)) return
    const { source, table, entry } = work
    if (this.#isHeld(work, guard)) return
    if (guard.careful || source.isAsync) return this.#attempt(work, snapshotOf(table, entry), true)
    if (source.caution.isUp) return this.#attemptWarily(work)
    this.#attempt(work, undefined, false)
  }

  /** Whether it waits among those of its object now. Where too many do, nothing more of its input is read. */
  #isHeld(work: Work, guard: Guard): boolean {
    const { failures } = this.#options
    if (work.retries || (!guard.mayHold && work.letter === undefined) || !failures.holds(work)) return false
    if (failures.waiting(work) >= mostBehind) this.flights.crowd(guard, work.source.room)
    return true
  }

  /** What waited may be less now, or waits because the object fails: then its policy says what becomes of it. */
  #ease(work: Work): void {
    const guard = work.entry.guard as Guard | undefined
    if (guard?.crowds === undefined || guard.queue.length > 0) return
    if (this.#options.failures.waiting(work) <= fewBehind) this.flights.ease(guard)
  }

  /**
   * No commit waits for the turns that are under way: until they end they are kept in the rows of their objects, and what they
   * do is part of a later commit. Throws `Redo` when the object of one cannot be told from what the turn has made of it so far.
   */
  park(): void {
    // Rule park-before-seal (integration/model).
    for (const flight of this.flights.loose) this.#park(flight)
  }

  #park(flight: Flight): void {
    const { work, before, dirtyIn, guard } = flight
    // Its input is known to be asynchronous now, so each turn of it begins with a copy.
    if (before === undefined)
      throw new Redo(`a turn of ${work.source.kind.name} '${work.key}' is asynchronous, and the first of its input`)
    if (!work.retries) this.#options.failures.parked(work)
    work.retries = true
    work.table.park(work.entry, before, dirtyIn)
    this.flights.park(flight)
    // They find the object held.
    while (guard.queue.length > 0) this.flights.next(guard)
  }

  /** Turns under way of tasks that go: they are run again where those are taken over. */
  cutOffUnless(stays: (task: number) => boolean): void {
    this.flights.cutOff('its task was given to another member', ({ task }) => !stays(task))
  }

  /** A turn that is not to be run any more does not wait any longer either. */
  #passedOver(work: Work): void {
    if (work.retries || work.letter !== undefined) this.#options.failures.succeeded(work)
    this.#ease(work)
  }

  /** What an object was before its first turn in a commit is known without a copy. */
  #attemptWarily(work: Work): void {
    const { source, table, entry } = work
    if (this.#isOver(source)) return this.#attempt(work, undefined, false)
    const isKnown = entry.dirtyIn !== this.#options.seq()
    this.#attempt(work, isKnown ? undefined : snapshotOf(table, entry), source.caution.isClose)
  }

  #isOver({ caution }: TurnSource): boolean {
    return !caution.isUp || caution.isOver(this.#options.clock.elapsed())
  }

  #spared({ caution }: TurnSource, error: unknown): void {
    if (caution.isUp) caution.spared(this.#options.clock.elapsed(), error instanceof StateRefused)
  }

  /** `before`: a copy of the object, undefined when none was made; `closely`: see `#inspect`. */
  #attempt(work: Work, before: string | null | undefined, closely: boolean): void {
    if (work.isDue?.() === false) return this.#passedOver(work)
    const { source, entry, table } = work
    this.#options.watched?.before(table, entry)
    const isNew = entry.state === undefined
    const since = source.meter.isTimed() ? this.#options.clock.elapsed() : -1
    const turn = new ActiveTurn(work, isNew, this.#options)
    const { tracer } = this.#options
    if (tracer !== undefined) turn.trace = tracer.turn(work)
    try {
      if (isNew) entry.state = source.init(work.key)
      const returned =
        turn.trace === undefined
          ? source.handler(entry.state as never, work.value as never, turn as never)
          : callTraced(turn.trace, work, turn)
      if (returned !== undefined) {
        if (!isThenable(returned)) throw refusedValue(returned)
        return this.#takeOff(work, turn, before, returned)
      }
      turn.end()
      this.#inspect(work, turn[deleted], closely)
    } catch (error) {
      turn.end()
      turn.trace?.failed(error)
      if (since >= 0) this.#timed(source, since)
      if (before !== undefined || closely) this.#spared(source, error)
      return this.#failed(work, before === undefined ? table.before(entry, this.#options.seq()) : before, error)
    }
    if (since >= 0) this.#timed(source, since)
    this.#finish(work, turn)
  }

  #timed({ meter }: TurnSource, since: number): void {
    meter.tookMs(this.#options.clock.elapsed() - since)
  }

  #takeOff(work: Work, turn: ActiveTurn, before: string | null | undefined, promise: PromiseLike<unknown>): void {
    const { source, table, entry } = work
    const seq = this.#options.seq()
    const copy = before === undefined ? table.before(entry, seq) : before
    source.isAsync = true
    const { record } = work
    this.#keepRecord(work)
    // The handler may have it: it is not that of the reader any more.
    if (isReused(record)) record.keep(work.record)
    // Half changed as it is now, it must be taken back if all is.
    const since = this.#options.clock.elapsed()
    const flight = new Flight(work, turn, copy, entry.dirtyIn, seq, guardOfEntry(table, entry), since)
    table.changed(entry, seq)
    this.flights.takeOff(flight, promise)
    // It is kept already.
    if (work.retries && copy !== undefined) this.#park(flight)
  }

  #landed({ work, turn, before, dirtyIn, seq, guard }: Flight, error: unknown): void {
    const { flights } = this
    this.#options.onLanded(seq !== this.#options.seq())
    try {
      turn.end()
      try {
        if (error !== undefined) throw error
        this.#inspect(work, turn[deleted], guard.careful || (!this.#isOver(work.source) && work.source.caution.isClose))
        this.#finish(work, turn)
      } catch (cause) {
        turn.trace?.failed(cause)
        // Of what it did nothing is left: nothing is to be written for it.
        if (before !== undefined && dirtyIn !== this.#options.seq()) work.table.unchanged(work.entry, dirtyIn)
        this.#spared(work.source, cause)
        this.#failed(work, before, cause)
      }
      while (!guard.busy && guard.queue.length > 0) flights.next(guard)
      this.#ease(work)
    } catch (cause) {
      if (cause instanceof Redo || cause instanceof StateRefused) this.#options.onRedo(cause)
      else this.#options.onError(cause)
    }
  }

  #failed(work: Work, before: string | null | undefined, error: unknown): void {
    const { table, entry, source } = work
    if (before === undefined) {
      guardOf(table, entry.key).careful = true
      source.caution.redone(this.#options.clock.elapsed(), false)
      throw new Redo(`a turn of ${source.kind.name} '${work.key}' failed (${reasonOf(error)})`)
    }
    table.restoreFrom(entry, before)
    this.#options.failures.failed(work, error)
    this.#ease(work)
  }

  /** Whether the object can be kept as the turn has left it; `closely`: also what is otherwise found when the commit is sealed. */
  #inspect({ table, entry, source, closes }: Work, isDeleted: boolean, closely: boolean): void {
    // What a window leaves when it closes is not kept.
    if (isDeleted || closes) {
      if (closely) this.#demandDeletable(source.kind, entry.key)
      return
    }
    const { check, survival } = table.kind
    if (check !== undefined) demandFits(check, table, entry)
    if (closely || survival?.isEach === true) table.encoded(entry, true)
    if (!closely) return
    for (const publish of source.kind.publishes)
      rowOf(publish, { key: entry.key, state: table.copyOf(entry) }, this.#options.outbox)
  }

  /** Whether topics with its rows take a record that says it is gone: they may take less than when it was made. */
  isDeletable(kind: KindDefinition, key: string): boolean {
    try {
      this.#demandDeletable(kind, key)
      return true
    } catch {
      return false
    }
  }

  #demandDeletable(kind: KindDefinition, key: string): void {
    for (const publish of kind.publishes) rowOf(publish, { key, state: undefined }, this.#options.outbox)
  }

  #finish(work: Work, turn: ActiveTurn): void {
    const { entry, table, source } = work
    const seq = this.#options.seq()
    if (work.closes) turn[deleted] = true
    if (turn[deleted]) entry.state = undefined
    else if ((entry.guard as Guard | undefined)?.detached === true) table.restoreFrom(entry, table.snapshot(entry))
    table.changed(entry, seq)
    this.#options.watched?.after(table, entry)
    this.turns++
    this.#options.counts.now.turns++
    source.meter.turns++
    turn.trace?.succeeded()
    if (turn[emitted] !== undefined) this.#send(turn[emitted])
    const isNoted = turn[timers] !== undefined || turn[deleted] || work.timer !== undefined
    if (isNoted || (hasSessionTimers(source.kind) && !hasSettled(work))) this.#note(work, turn, seq)
    if (source.kind.ttlMs !== undefined && !turn[deleted]) this.#touch(work, source.kind.ttlMs, seq)
    if (source.kind.window !== undefined && !turn[deleted] && (turn.isNew || source.isTimer)) this.#opened(work)
    if (work.retries || work.letter !== undefined) {
      // Rule row-ends-with-effect (integration/model).
      this.#options.failures.succeeded(work)
      this.#ease(work)
    }
    if (source.breaker !== undefined) source.breaker.succeeded()
  }

  #send(records: readonly Emitted[]): void {
    const { outbox, partitions: known } = this.#options
    for (const { topic, partitions, key, value, timestamp, headers } of records)
      outbox.route(topic, known.get(topic), key, value, timestamp, headers, partitions)
  }

  /** Timers of a deleted object go with it, and the one that was due. */
  #note({ agenda, source, entry, timer }: Work, turn: ActiveTurn, seq: number): void {
    const row = agenda.row(source.kind.name, entry.key)
    // It may be made again, and lives anew then.
    const isDeleted = turn[deleted]
    if (isDeleted) entry.touched = undefined
    if (isDeleted && row.state === undefined) return
    agenda.change(row, seq, (noted, parts) => {
      if (isDeleted) {
        forgetLife(noted)
        return dropTimers(noted, parts)
      }
      if (timer !== undefined) dropTimer(noted, parts, timer)
      if (hasSessionTimers(source.kind))
        return settleSessionTimers(noted, parts, entry.state as Sessions, turn[timers] ?? [])
      for (const { timer: changed, set } of turn[timers] ?? []) {
        if (set === undefined) dropTimer(noted, parts, changed)
        else setTimer(noted, parts, changed, set)
      }
    })
  }

  #touch({ agenda, source, entry }: Work, ttlMs: number, seq: number): void {
    const now = this.#options.clock.now()
    const often = touchEveryMs(ttlMs)
    if (entry.touched !== undefined && now - entry.touched < often) return
    const row = agenda.row(source.kind.name, entry.key)
    const known = row.state as Row | undefined
    const isNoted = known?.touched !== undefined && now - known.touched < often && known.ttlMs === ttlMs
    entry.touched = isNoted ? known.touched : now
    if (isNoted) return
    agenda.change(row, seq, (noted) => {
      noted.touched = now
      noted.ttlMs = ttlMs
    })
  }

  #opened({ agenda, source, entry, table }: Work): void {
    const dueMs = table.kind.eventDue?.(entry.key, entry.state)
    if (dueMs !== undefined) agenda.add({ dueMs, kind: source.kind.name, key: entry.key })
  }
}

/** In a function of its own: one that is made within a turn costs each turn. */
function callTraced(trace: TurnTrace, { source, entry, value }: Work, turn: ActiveTurn): unknown {
  return trace.run(() => source.handler(entry.state as never, value as never, turn as never))
}

/** What becomes of sessions becomes of their timers. */
const hasSessionTimers = ({ window, timers }: KindDefinition): boolean => window?.kind === 'session' && timers.size > 0

function hasSettled({ agenda, source, entry }: Work): boolean {
  const row = agenda.row(source.kind.name, entry.key).state as Row | undefined
  return row === undefined || areSettled(row, entry.state as Sessions)
}

function demandFits(check: (state: unknown) => void, table: Table, entry: Entry): void {
  try {
    check(entry.state)
  } catch (cause) {
    throw new StateRefused(table, entry, cause)
  }
}

/** A turn before this one, whose state was not looked at then, may have left what has no form. */
function snapshotOf(table: Table, entry: Entry): string | null {
  try {
    return table.snapshot(entry)
  } catch (cause) {
    throw new StateRefused(table, entry, cause)
  }
}

function refusedValue(returned: unknown): TypeError {
  return new TypeError(`it returned ${kindOf(returned)}; change the state in place and return nothing`)
}
