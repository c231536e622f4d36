import { randomUUID } from 'node:crypto'
import { MillraceError } from '../../core/errors.js'
import type { CarriedTurn, ReplayedLetter } from '../kept/carried.js'
import { isHeld, type Letters, type Quarantine, type Row } from '../kept/row.js'
import type { Waiting } from '../kept/waiting.js'
import type { NumberedLetter } from './dead-letter.js'

/** Turns that may wait for one object, and the bytes of them: value, key and headers. */
const mostWaiting = 1_000
const mostWaitingMiB = 16

/** Writes a dead letter. */
export type Bury = (turn: CarriedTurn, error: MillraceError, attempt: number, letter: NumberedLetter) => void

/**
 * The queue of one object, as its row has it. In quarantine every turn becomes a dead letter, numbered. When these are
 * replayed they run in the order of their numbers, and what comes meanwhile waits behind them; with the last of them the object
 * is free. If one fails for good again, it and all behind it are letters as before, and what waits becomes letters behind those.
 */
export class Quarantined {
  readonly #row: Row
  readonly #waiting: Waiting
  readonly #now: number
  readonly #lastsMs: number | undefined
  readonly #isParked: boolean
  readonly #bury: Bury

  /**
   * `lastsMs`: how long a quarantine lasts; undefined: until it is lifted. `isParked`: a turn that waits is under way, and may
   * still succeed: it cannot be given up, nor what is behind it.
   */
  constructor(row: Row, waiting: Waiting, now: number, lastsMs: number | undefined, isParked: boolean, bury: Bury) {
    this.#row = row
    this.#waiting = waiting
    this.#now = now
    this.#lastsMs = lastsMs
    this.#isParked = isParked
    this.#bury = bury
  }

  /** Puts a turn behind those before it; false when there are none and it may run. Of a letter, once its turn has come. */
  add(turn: CarriedTurn): boolean {
    const { quarantine } = this.#row
    if (turn.letter !== undefined) return this.#addLetter(turn, turn.letter)
    if (quarantine !== undefined && !this.#isReplayed(quarantine)) this.#buryNext(turn, follows(), 0)
    else this.#wait(turn)
    return true
  }

  #addLetter(turn: CarriedTurn, letter: ReplayedLetter): boolean {
    const mayPass = this.#row.quarantine === undefined ? !isHeld(this.#row) : this.#waiting.letters === 0
    if (mayPass) return false
    // It is where it was; one that says so makes the next replay begin with it.
    if (this.#isFull) this.#buryAgain(turn, letter, tooMany(), 0)
    else if (this.#waiting.letters > 0) this.#waiting.add(turn)
    else this.#comesFirst(turn)
    return true
  }

  /** It is tried before what waits already: what was noted of that does not count for it. */
  #comesFirst(turn: CarriedTurn): void {
    this.#waiting.add(turn)
    this.#next()
  }

  /** A turn is tried again; it ran, so nothing of its sort was before it. `waited`: it did so already. */
  tryAgain(turn: CarriedTurn, waited: boolean, retry: NonNullable<Row['retry']>): void {
    if (!waited) this.#waiting.add(turn)
    this.#row.retry = retry
    // Letters that came while it was under way.
    if (turn.letter === undefined && this.#waiting.letters > 0) this.#next()
  }

  /** A turn waits though it could run. */
  putAside(turn: CarriedTurn): void {
    this.#waiting.add(turn)
    this.#row.retry ??= { at: this.#now, attempt: 0, waited: 0 }
  }

  /** The first turn has been run, or given up without a letter. */
  done({ retries, letter }: { readonly retries: boolean; readonly letter: ReplayedLetter | undefined }): void {
    if (retries) this.#waiting.shiftOf(letter)
    if (letter !== undefined) this.#replayed(letter)
    this.#next()
  }

  #replayed({ series, number }: ReplayedLetter): void {
    const { letters } = this.#row
    if (letters?.series !== series) return
    letters.done = number
    if (number < letters.last) return
    delete this.#row.letters
    delete this.#row.quarantine
  }

  /** Lifts the quarantine: what is a dead letter stays one until it is replayed, and what waits goes on. False when there is none. */
  release(): boolean {
    if (this.#row.quarantine === undefined) return false
    delete this.#row.quarantine
    if (this.#row.retry === undefined) this.#next()
    return true
  }

  /** A turn is given up for good. `waited`: it is the first of those that wait. */
  bury(turn: CarriedTurn, waited: boolean, error: MillraceError, attempt: number): void {
    if (waited) this.#waiting.shiftOf(turn.letter)
    const { letter } = turn
    if (letter === undefined) this.#buryNext(turn, error, attempt)
    else {
      this.#waiting.dropLetters()
      this.#row.quarantine = this.#new(error.code, letter.number - 1)
      this.#buryAgain(turn, letter, error, attempt)
    }
    this.#buryAll(follows())
    this.#next()
  }

  /** Behind all others. */
  #buryNext(turn: CarriedTurn, error: MillraceError, attempt: number): void {
    const letters = (this.#row.letters ??= { series: randomUUID(), last: 0, done: 0 })
    this.#row.quarantine ??= this.#new(error.code, letters.last)
    this.#bury(turn, error, attempt, { series: letters.series, number: ++letters.last, isAgain: false })
  }

  #buryAgain(turn: CarriedTurn, { series, number }: ReplayedLetter, error: MillraceError, attempt: number): void {
    this.#bury(turn, error, attempt, { series, number, isAgain: true })
  }

  #new(code: string, after: number): Quarantine {
    return {
      ...(after === 0 ? {} : { after }),
      since: this.#now,
      code,
      ...(this.#lastsMs === undefined ? {} : { until: this.#now + this.#lastsMs }),
    }
  }

  #wait(turn: CarriedTurn): void {
    this.#waiting.add(turn)
    if (this.#isParked) return
    if (this.#waiting.count <= mostWaiting && this.#waiting.bytes <= mostWaitingMiB << 20) return
    this.#buryAll(tooMany())
    if (this.#waiting.count === 0) delete this.#row.retry
  }

  get #isFull(): boolean {
    return this.#waiting.count >= mostWaiting || this.#waiting.bytes >= mostWaitingMiB << 20
  }

  /** All that wait but replayed letters, which are letters already. */
  #buryAll(error: MillraceError): void {
    const next = (): CarriedTurn | undefined => this.#waiting.shiftOf(undefined)
    for (let turn = next(); turn !== undefined; turn = next()) this.#buryNext(turn, error, 0)
  }

  /** The first that waits is tried at once, unless it waits for dead letters that are still to come. */
  #next(): void {
    delete this.#row.retry
    if (this.#waiting.count === 0) return
    if (this.#row.quarantine === undefined || this.#waiting.letters > 0)
      this.#row.retry = { at: this.#now, attempt: 0, waited: 0 }
  }

  #isReplayed({ after = 0 }: Quarantine): boolean {
    return (this.#row.letters as Letters).done > after || this.#waiting.letters > 0
  }
}

function follows(): MillraceError {
  return new MillraceError(
    'QUARANTINED',
    'an earlier record of this object is a dead letter: this one follows it, in order, until they are replayed',
  )
}

function tooMany(): MillraceError {
  return new MillraceError(
    'QUARANTINED',
    `more than ${mostWaiting} records, or ${mostWaitingMiB} MiB of them, wait for this object: none of them is tried any more`,
  )
}
