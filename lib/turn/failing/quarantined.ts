import { MillraceError } from '../../core/errors.js'
import type { KeptTurn } from '../kept/kept-turn.js'
import type { Quarantine, Row } from '../kept/row.js'

/** Turns that may wait for one object, and the length of their values: its row is one record of a topic. */
const mostWaiting = 1_000
const mostWaitingLength = 256 << 10

/** Writes a dead letter. `letter`: its number among those of its object. */
export type Bury = (turn: KeptTurn, error: MillraceError, attempt: number, letter: number) => void

/**
 * The queue of one object, as its row has it. In quarantine every turn becomes a dead letter, numbered. When these are
 * replayed they run in order, and what comes meanwhile waits behind them; with the last of them the object is free. If one
 * fails for good again, those behind it become dead letters of a new quarantine.
 */
export class Quarantined {
  readonly #now: number
  readonly #bury: Bury

  constructor(now: number, bury: Bury) {
    this.#now = now
    this.#bury = bury
  }

  /** Puts a turn behind those before it; false when there are none and it may run. */
  add(row: Row, turn: KeptTurn): boolean {
    const { quarantine } = row
    if (quarantine !== undefined && turn.letter === undefined && !isReplayed(row, quarantine)) {
      this.#bury(turn, follows(), 0, ++quarantine.letters)
      return true
    }
    if (quarantine?.again !== undefined && turn.letter !== undefined) {
      this.#buryAgain(row, quarantine, turn, follows(), 0)
      return true
    }
    const waiting = row.waiting ?? []
    if (quarantine !== undefined && turn.letter !== undefined && waiting[0]?.letter === undefined) return false
    this.#wait(row, waiting, turn)
    return true
  }

  /** The first turn has been run, or given up without a letter. */
  done(row: Row, { retries, letter }: { readonly retries: boolean; readonly letter: number | undefined }): void {
    if (retries) row.waiting?.shift()
    const { quarantine } = row
    if (quarantine !== undefined && letter !== undefined) {
      quarantine.replayed = letter
      if (letter >= quarantine.letters) delete row.quarantine
    }
    this.#next(row)
  }

  /** A turn is given up for good. */
  bury(row: Row, turn: KeptTurn, error: MillraceError, attempt: number): void {
    delete row.retry
    if (row.quarantine !== undefined && turn.letter !== undefined)
      return this.#buryAgain(row, row.quarantine, turn, error, attempt)
    const quarantine = (row.quarantine ??= { letters: 0, replayed: 0 })
    this.#bury(turn, error, attempt, ++quarantine.letters)
    for (const behind of row.waiting ?? []) this.#bury(behind, follows(), 0, ++quarantine.letters)
    delete row.waiting
  }

  #buryAgain(row: Row, quarantine: Quarantine, turn: KeptTurn, error: MillraceError, attempt: number): void {
    let again = quarantine.again ?? 0
    let last = turn.letter as number
    this.#bury(turn, error, attempt, ++again)
    const behind = row.waiting ?? []
    while (behind[0]?.letter !== undefined) {
      last = behind[0].letter
      this.#bury(behind.shift() as KeptTurn, follows(), 0, ++again)
    }
    row.quarantine = { ...quarantine, again }
    if (last < quarantine.letters) return this.#keep(row, behind)
    for (const each of behind) this.#bury(each, follows(), 0, ++again)
    row.quarantine = { letters: again, replayed: 0 }
    delete row.waiting
  }

  #wait(row: Row, waiting: KeptTurn[], turn: KeptTurn): void {
    const at = turn.letter === undefined ? waiting.length : waiting.findIndex(({ letter }) => letter === undefined)
    waiting.splice(at < 0 ? waiting.length : at, 0, turn)
    row.waiting = waiting
    const length = waiting.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    if (waiting.length <= mostWaiting && length <= mostWaitingLength) return
    const error = new MillraceError(
      'QUARANTINED',
      `more than ${mostWaiting} records, or ${mostWaitingLength} characters of them, wait for this object: none of them is tried any more`,
    )
    const quarantine = (row.quarantine ??= { letters: 0, replayed: 0 })
    for (const each of waiting) this.#bury(each, error, 0, ++quarantine.letters)
    delete row.waiting
    delete row.retry
  }

  /** The first that waits is tried at once, unless it waits for dead letters that are still to come. */
  #next(row: Row): void {
    delete row.retry
    const first = row.waiting?.[0]
    if (first === undefined) delete row.waiting
    else if (row.quarantine === undefined || first.letter !== undefined) row.retry = { at: this.#now, attempt: 0 }
  }

  #keep(row: Row, waiting: KeptTurn[]): void {
    if (waiting.length > 0) row.waiting = waiting
    else delete row.waiting
  }
}

function isReplayed({ waiting }: Row, { replayed, again }: Quarantine): boolean {
  return replayed > 0 || again !== undefined || waiting?.[0]?.letter !== undefined
}

function follows(): MillraceError {
  return new MillraceError(
    'QUARANTINED',
    'an earlier record of this object is a dead letter: this one follows it, in order, until they are replayed',
  )
}
