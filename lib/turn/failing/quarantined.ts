import { MillraceError } from '../../core/errors.js'
import type { CarriedTurn } from '../kept/carried.js'
import { isHeld, type Quarantine, type Row } from '../kept/row.js'
import type { Waiting } from '../kept/waiting.js'

/** Turns that may wait for one object, and the bytes of them: value, key and headers. */
const mostWaiting = 1_000
const mostWaitingMiB = 16

/** Writes a dead letter. `letter`: its number among those of its object. */
export type Bury = (turn: CarriedTurn, error: MillraceError, attempt: number, letter: number) => void

/**
 * The queue of one object, as its row has it. In quarantine every turn becomes a dead letter, numbered. When these are
 * replayed they run in order, and what comes meanwhile waits behind them; with the last of them the object is free. If one
 * fails for good again, those behind it become dead letters of a new quarantine.
 */
export class Quarantined {
  readonly #row: Row
  readonly #waiting: Waiting
  readonly #now: number
  readonly #lastsMs: number | undefined
  readonly #bury: Bury

  /** `lastsMs`: how long a quarantine lasts; undefined: until it is lifted. */
  constructor(row: Row, waiting: Waiting, now: number, lastsMs: number | undefined, bury: Bury) {
    this.#row = row
    this.#waiting = waiting
    this.#now = now
    this.#lastsMs = lastsMs
    this.#bury = bury
  }

  /** Puts a turn behind those before it; false when there are none and it may run. */
  add(turn: CarriedTurn): boolean {
    const { quarantine } = this.#row
    if (quarantine !== undefined && turn.letter === undefined && !this.#isReplayed(quarantine)) {
      this.#bury(turn, follows(), 0, ++quarantine.letters)
      return true
    }
    if (quarantine?.again !== undefined && turn.letter !== undefined) {
      this.#buryAgain(quarantine, turn, follows(), 0)
      return true
    }
    if (quarantine !== undefined && turn.letter !== undefined && this.#waiting.letters === 0) return false
    this.#wait(turn)
    return true
  }

  /** A turn is tried again; `turn`: it did not wait before. It ran, so nothing of its sort was before it. */
  tryAgain(turn: CarriedTurn | undefined, retry: NonNullable<Row['retry']>): void {
    if (turn !== undefined) this.#waiting.add(turn)
    this.#row.retry = retry
  }

  /** A turn waits though it could run. */
  putAside(turn: CarriedTurn): void {
    if (isHeld(this.#row) && this.add(turn)) return
    this.#waiting.add(turn)
    this.#row.retry ??= { at: this.#now, attempt: 0, waited: 0 }
  }

  /** The first turn has been run, or given up without a letter. */
  done({ retries, letter }: { readonly retries: boolean; readonly letter: number | undefined }): void {
    if (retries) this.#waiting.shiftOf(letter)
    if (letter !== undefined) this.#replayed(letter)
    this.#next()
  }

  #replayed(letter: number): void {
    const { quarantine, released = 0 } = this.#row
    // Letters of one that was lifted may come as late as they like.
    if (quarantine !== undefined && letter > (quarantine.after ?? 0)) quarantine.replayed = letter
    if (quarantine !== undefined && letter >= quarantine.letters) delete this.#row.quarantine
    if (letter >= released) delete this.#row.released
  }

  /** Lifts the quarantine: what is a dead letter stays one until it is replayed, and what waits goes on. False when there is none. */
  release(): boolean {
    const { quarantine } = this.#row
    if (quarantine === undefined) return false
    this.#row.released = Math.max(quarantine.letters, quarantine.again ?? 0)
    delete this.#row.quarantine
    if (this.#row.retry === undefined) this.#next()
    return true
  }

  /** A turn is given up for good. `waited`: it is the first of those that wait. */
  bury(turn: CarriedTurn, waited: boolean, error: MillraceError, attempt: number): void {
    if (waited) this.#waiting.shiftOf(turn.letter)
    delete this.#row.retry
    if (turn.letter !== undefined && this.#row.quarantine === undefined && this.#row.released !== undefined) {
      // Of one that was lifted: the letters behind it follow, up to the last one.
      this.#row.quarantine = this.#new(error.code)
      delete this.#row.quarantine.after
    }
    if (this.#row.quarantine !== undefined && turn.letter !== undefined)
      return this.#buryAgain(this.#row.quarantine, turn, error, attempt)
    const quarantine = (this.#row.quarantine ??= this.#new(error.code))
    this.#bury(turn, error, attempt, ++quarantine.letters)
    quarantine.letters = this.#buryAll(follows(), quarantine.letters)
  }

  #buryAgain(quarantine: Quarantine, turn: CarriedTurn, error: MillraceError, attempt: number): void {
    let again = quarantine.again ?? 0
    let last = turn.letter as number
    this.#bury(turn, error, attempt, ++again)
    while (this.#waiting.letters > 0) {
      const behind = this.#waiting.shift() as CarriedTurn
      last = behind.letter as number
      this.#bury(behind, follows(), 0, ++again)
    }
    this.#row.quarantine = { ...quarantine, again }
    if (last < quarantine.letters) return
    this.#row.quarantine = { ...this.#new(error.code), letters: this.#buryAll(follows(), again) }
  }

  #new(code: string): Quarantine {
    const { released: after } = this.#row
    delete this.#row.released
    return {
      letters: after ?? 0,
      replayed: 0,
      ...(after === undefined ? {} : { after }),
      since: this.#now,
      code,
      ...(this.#lastsMs === undefined ? {} : { until: this.#now + this.#lastsMs }),
    }
  }

  #wait(turn: CarriedTurn): void {
    this.#waiting.add(turn)
    if (this.#waiting.count <= mostWaiting && this.#waiting.bytes <= mostWaitingMiB << 20) return
    const error = new MillraceError(
      'QUARANTINED',
      `more than ${mostWaiting} records, or ${mostWaitingMiB} MiB of them, wait for this object: none of them is tried any more`,
    )
    const quarantine = (this.#row.quarantine ??= this.#new(error.code))
    quarantine.letters = this.#buryAll(error, quarantine.letters)
    delete this.#row.retry
  }

  /** All that wait, numbered on from `letters`; gives the last number. */
  #buryAll(error: MillraceError, letters: number): number {
    let number = letters
    while (this.#waiting.count > 0) this.#bury(this.#waiting.shift() as CarriedTurn, error, 0, ++number)
    return number
  }

  /** The first that waits is tried at once, unless it waits for dead letters that are still to come. */
  #next(): void {
    delete this.#row.retry
    if (this.#waiting.count === 0) return
    if (this.#row.quarantine === undefined || this.#waiting.letters > 0)
      this.#row.retry = { at: this.#now, attempt: 0, waited: 0 }
  }

  #isReplayed({ replayed, again }: Quarantine): boolean {
    return replayed > 0 || again !== undefined || this.#waiting.letters > 0
  }
}

function follows(): MillraceError {
  return new MillraceError(
    'QUARANTINED',
    'an earlier record of this object is a dead letter: this one follows it, in order, until they are replayed',
  )
}
