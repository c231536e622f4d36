import { adviceOf } from '../../core/advice.js'
import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf, thrownBy } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { RecordRefused } from '../../core/record-refused.js'
import { isHeard, publish, type DiagnosticEvents } from '../../core/telemetry/channels.js'
import { StateRefused } from '../../state/table.js'
import { briefLetter, deadTurn, type DeadLetterTarget, type DeadTurnFacts } from './dead-letter.js'
import { longestAskedMs, waitBeforeNext } from './back-off.js'
import type { Agenda } from '../due/agenda.js'
import type { CarriedTurn, ReplayedLetter } from '../kept/carried.js'
import type { Outbox } from '../output/outbox.js'
import type { Guard } from '../kept/guard.js'
import { Quarantined } from './quarantined.js'
import { isHeld, placeOf as placeOfLetter, rowKey, type Row } from '../kept/row.js'
import { dropTimer, putOff, type TimerName } from '../kept/timers.js'
import { Said } from './said.js'
import { closeId } from '../kept/turn-source.js'
import { countOf, Waiting } from '../kept/waiting.js'
import type { Counters } from '../running/counters.js'
import { TestFinding } from '../running/test-finding.js'
import { carriedTurn, placeOf, type Work } from '../running/work.js'

export interface FailuresOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly outbox: Outbox
  readonly deadLetters: DeadLetterTarget
  readonly counts: Counters
  readonly seq: () => number
  /** Of a turn that was not run; what becomes of it is done already. */
  readonly onRefused: (error: MillraceError, policy: 'dead-letter' | 'skip') => void
  /** For tests. */
  readonly onTrouble?: ((error: MillraceError) => void) | undefined
}

/**
 * What becomes of turns that failed, and of those behind them on the same object. All of it stands in the object's row, so
 * it is committed, restored and moved with it. A turn that is tried again waits in the row, and later ones of its object
 * behind it; for the rest see `Quarantined`.
 */
export class Failures {
  readonly #options: FailuresOptions
  readonly #said: Said
  /** Letters of turns that are not tried are to be brief: longer ones were refused. */
  isBrief = false

  constructor(options: FailuresOptions) {
    this.#options = options
    this.#said = new Said(options.seq)
  }

  /** True when a turn must not pass, since others of its object wait or were given up before it: it is behind them now. */
  holds(work: Work): boolean {
    const entry = work.agenda.row(work.source.kind.name, work.entry.key)
    const row = entry.state as Row | undefined
    if (work.letter !== undefined) return this.#holdsLetter(work, work.letter, row)
    if (row === undefined || !isHeld(row)) return false
    // Rule behind-the-parked (integration/model).
    let held = true
    this.#change(work, (objects, noted) => {
      held = objects.add(carriedTurn(work))
      if (held && work.timer !== undefined) putOff(noted, work.timer, work.now)
    })
    return held
  }

  /** Not one that comes again, and none before its turn: it stays a letter then. */
  #holdsLetter(work: Work, letter: ReplayedLetter, row: Row = {}): boolean {
    const place = placeOfLetter(row, letter)
    if (place !== 'next') {
      this.#options.logger.debug({}, `${letterOf(work, letter)} ${passedOver[place]}`)
      return true
    }
    let held = isHeld(row)
    if (held) this.#change(work, (objects) => (held = objects.add(carriedTurn(work))))
    if (held || !letter.isDropped) return held
    this.dropped(work)
    return true
  }

  /** The turn of a letter that is not to be run has come. */
  dropped(work: Work): void {
    const { counts, logger } = this.#options
    counts.now.skipped++
    if (work.letter !== undefined) logger.info({}, `${letterOf(work, work.letter)} is dropped, as it was told`)
    if (work.timer !== undefined) this.#dropTimer(work, work.timer)
    this.#done(work)
  }

  /**
   * A turn has failed, and has been taken back. `final`: trying again is of no use; `brief`: a dead letter of it is to say where
   * its record is, and no more. Throws when that is to stop the app.
   */
  failed(work: Work, thrown: unknown, { final = false, brief = false } = {}): void {
    const cause = thrownBy(thrown)
    if (cause instanceof TestFinding) throw cause
    this.#options.counts.now.failed++
    const { source, tried } = work
    source.meter.failed++
    const { then } = source.onError
    const error = turnFailed(work, cause)
    this.#options.onTrouble?.(error)
    const attempt = tried + 1
    if (isHeard('millrace:turn.failed')) this.#publishFailed(work, error, attempt)
    const advice = adviceOf(cause)
    const mayWait = !final && advice?.fatal !== true
    const askedMs = advice?.fatal === false ? advice.retryAfterMs : undefined
    if (mayWait && this.#isExcused(work, askedMs, error)) return
    const wait = mayWait ? this.#wait(work, askedMs, attempt) : undefined
    if (wait !== undefined) {
      this.#options.logger.debug(
        { err: error },
        `${error.message}; attempt ${attempt}, the next one in ${wait.forMs} ms`,
      )
      const at = this.#options.clock.now() + wait.forMs
      return this.#tryAgain(work, { at, attempt, waited: wait.waited + wait.forMs })
    }
    if (then === 'stop') throw turnFailed(work, cause, whenStopped)
    const level = this.#said.isNew(`${error.message} ${attempt} ${work.letter?.number ?? ''}`) ? 'error' : 'debug'
    this.#options.logger[level]({ err: error }, givenUp(error, attempt, then))
    if (brief && then === 'dead-letter') this.#briefLetter(work, error)
    if (brief || then === 'skip') {
      if (then === 'skip') this.#options.counts.now.skipped++
      if (work.timer !== undefined) this.#dropTimer(work, work.timer)
      return this.#done(work)
    }
    this.#change(work, (objects, row) => {
      objects.bury(carriedTurn(work), work.retries, error, attempt)
      if (work.timer !== undefined) putOff(row, work.timer, work.now)
    })
  }

  /** While the breaker of its input is open, an attempt costs nothing: the turn waits until that lets it pass. */
  #isExcused(work: Work, askedMs: number | undefined, error: MillraceError): boolean {
    const { source, entry, tried } = work
    const { breaker } = source
    if (breaker === undefined) return false
    const now = this.#options.clock.now()
    const { isOpen } = breaker
    breaker.failed(rowKey(source.kind.name, entry.key), now, error.message)
    if (!isOpen) return false
    const retry = { at: now + Math.min(askedMs ?? 0, longestAskedMs), attempt: tried, waited: waitedOf(work) }
    this.#options.logger.debug({ err: error }, `${error.message}; its input pauses, and this counts as no attempt`)
    this.#tryAgain(work, retry)
    return true
  }

  #tryAgain(work: Work, retry: NonNullable<Row['retry']>): void {
    this.#change(work, (objects, row) => {
      objects.tryAgain(carriedTurn(work), work.retries, retry)
      if (work.timer !== undefined) putOff(row, work.timer, work.now)
    })
  }

  /** Its input pauses: a turn waits in the row of its object, behind those that do already. */
  putAside(work: Work): void {
    if (this.holds(work)) return
    this.#change(work, (objects) => objects.putAside(carriedTurn(work)))
  }

  /** Until the next attempt; undefined when there is none. */
  #wait(
    work: Work,
    askedMs: number | undefined,
    attempt: number,
  ): { readonly forMs: number; readonly waited: number } | undefined {
    const { source, entry } = work
    const waited = waitedOf(work)
    const name = rowKey(source.kind.name, entry.key)
    const forMs = waitBeforeNext(source.onError, name, { attempt, waited }, askedMs)
    return forMs === undefined ? undefined : { forMs, waited }
  }

  /** A turn is under way when its commit is made: until it has landed it stands in the row of its object, as the first that waits. */
  parked(work: Work): void {
    this.#tryAgain(work, { at: this.#options.clock.now(), attempt: work.tried, waited: 0 })
  }

  /** How many turns wait for an object that is not failing; Infinity when they are large; 0 when it is failing. */
  waiting({ agenda, source, entry }: Work): number {
    const row = agenda.row(source.kind.name, entry.key).state as Row | undefined
    if (row?.waiting === undefined || row.retry?.attempt !== 0) return 0
    return row.waiting.bytes > mostBytesBehind ? Infinity : countOf(row)
  }

  /** A turn that had waited, or had been a dead letter, has succeeded, or is not to be run any more. */
  succeeded(work: Work): void {
    this.#done(work)
  }

  /** A turn that must not be tried: its record goes the way its policy says, and others of its object are not concerned. */
  refused(work: Work, error: MillraceError, policy: 'dead-letter' | 'skip' | 'stop'): void {
    if (policy === 'stop') throw error
    const { counts, onRefused } = this.#options
    counts.now.refused++
    counts.refusedBy.add(error.code)
    const { app } = this.#options.deadLetters
    if (isHeard('millrace:refused')) publish('millrace:refused', { ...placeIn(app, error), policy, error })
    if (error.code === 'RECORD_LATE') counts.late.add(work.source.kind.name)
    if (policy === 'skip') counts.now.skipped++
    else if (this.isBrief) this.#briefLetter(work, error)
    else this.#letter(work, carriedTurn(work), error, { attempt: 0, letter: undefined })
    onRefused(error, policy)
  }

  /** Lifts the quarantine of an object; false when it is in none. */
  release(agenda: Agenda, kind: string, key: string): boolean {
    let released = false
    const { clock, seq } = this.#options
    agenda.change(agenda.row(kind, key), seq(), (row, parts) => {
      released = new Quarantined(row, new Waiting(row, parts), clock.now(), undefined, false, noLetters).release()
      if (released && !isHeld(row)) delete row.closing
    })
    // The turn that would have closed it may be one of the dead letters: it is closed without those.
    if (released) agenda.listWindow(kind, key)
    return released
  }

  #done(work: Work): void {
    this.#change(work, (objects, row) => {
      objects.done(work)
      if (closes(work) && row.closing === work.now) delete row.closing
    })
  }

  #dropTimer({ agenda, source, entry }: Work, timer: TimerName): void {
    const row = agenda.row(source.kind.name, entry.key)
    agenda.change(row, this.#options.seq(), (noted, parts) => dropTimer(noted, parts, timer))
  }

  #change(work: Work, change: (objects: Quarantined, row: Row) => void): void {
    const { agenda, source, entry } = work
    agenda.change(agenda.row(source.kind.name, entry.key), this.#options.seq(), (row, parts) => {
      const waiting = new Waiting(row, parts)
      const now = this.#options.clock.now()
      const { quarantineMs } = source.onError
      const isParked = (entry.guard as Guard | undefined)?.parked === true
      const objects = new Quarantined(row, waiting, now, quarantineMs, isParked, (turn, error, attempt, letter) =>
        this.#letter(work, turn, error, { attempt, letter }),
      )
      if (closes(work)) row.closing = Math.max(row.closing ?? work.now, work.now)
      change(objects, row)
    })
  }

  /** It cannot be replayed, so later turns of its object do not wait for that. */
  #briefLetter(work: Work, error: MillraceError): void {
    const { outbox, deadLetters, counts } = this.#options
    counts.now.deadLetters++
    counts.lettersBy.add(error.code)
    this.#publishLetter(work, error)
    briefLetter(outbox, deadLetters, carriedTurn(work).record, error, work.agenda.task)
  }

  #publishFailed({ source, entry }: Work, error: MillraceError, attempt: number): void {
    const of = { kind: source.kind.name, key: entry.key, input: source.id }
    publish('millrace:turn.failed', { ...placeIn(this.#options.deadLetters.app, error), ...of, attempt, error })
  }

  #publishLetter({ source, entry }: Pick<Work, 'source' | 'entry'>, error: MillraceError): void {
    if (!isHeard('millrace:dead-letter')) return
    const of = { kind: source.kind.name, key: entry.key }
    publish('millrace:dead-letter', { ...placeIn(this.#options.deadLetters.app, error), ...of, error })
  }

  #letter(
    { agenda, source, entry, window }: Work,
    turn: CarriedTurn,
    error: MillraceError,
    facts: Pick<DeadTurnFacts, 'attempt' | 'letter'>,
  ): void {
    const { counts, outbox, deadLetters, onRefused, onTrouble } = this.#options
    const told = placed(error, turn, source, entry.key)
    onTrouble?.(told)
    counts.now.deadLetters++
    counts.lettersBy.add(error.code)
    this.#publishLetter({ source, entry }, told)
    if (error.code === 'QUARANTINED') onRefused(told, 'dead-letter')
    const { name } = source.kind
    deadTurn(outbox, deadLetters, agenda.task, turn, error, { kind: name, key: entry.key, window, ...facts })
  }
}

/** As its error says. */
function placeIn(app: string, { topic, partition, offset }: MillraceError): Place {
  return { app, topic, partition, offset }
}

type Place = Pick<DiagnosticEvents['millrace:refused'], 'app' | 'topic' | 'partition' | 'offset'>

/** Of turns that wait behind one that is under way; more is not read. */
const mostBytesBehind = 8 << 20

/** How long the attempts of a turn have waited so far, milliseconds. */
function waitedOf({ agenda, source, entry, retries }: Work): number {
  const row = retries ? (agenda.row(source.kind.name, entry.key).state as Row | undefined) : undefined
  return row?.retry?.waited ?? 0
}

/** What is kept says so: of one that cannot be run, the source may be any of its kind. */
const closes = (work: Work): boolean => carriedTurn(work).source === closeId

const letterOf = ({ source, entry }: Work, { number }: ReplayedLetter): string =>
  `dead letter ${number} of ${source.kind.name} '${entry.key}'`

const passedOver = {
  done: 'comes again: it has had its turn, or is about to',
  early: 'comes before its turn, and stays a dead letter: one before it has not had its own',
}

const noLetters = (): never => {
  throw new Error('lifting a quarantine writes no dead letters')
}

function givenUp({ message }: MillraceError, attempts: number, then: 'dead-letter' | 'skip'): string {
  const tried = attempts === 1 ? 'once' : `${attempts} times`
  return `${message}. Tried ${tried}: ${then === 'skip' ? 'it is skipped' : 'it is a dead letter'}.`
}

const whenStopped =
  '. Nothing of this turn was kept; repair the handler and start again, the record will be read again.'

/** Of turns that follow others it does not say where. */
function placed(
  error: MillraceError,
  { record }: CarriedTurn,
  { kind: { name } }: Work['source'],
  key: string,
): MillraceError {
  if (error.kind !== undefined) return error
  const { topic, partition, offset } = record
  const what = `${topic}[${partition}]@${offset}: ${name} '${key}': ${error.message}`
  return new MillraceError(error.code, what, { topic, partition, offset, kind: name, key, cause: error.cause })
}

/** What a turn failed with, and where; `advice` ends the message. */
function turnFailed({ source, key, record }: Work, cause: unknown, advice = ''): MillraceError {
  const { topic, partition, offset } = record
  const { name } = source.kind
  const facts = { topic, partition, offset: Number(offset), kind: name, key, cause }
  const where = `${placeOf(record)}: ${name} '${key}' (${source.id})`
  if (cause instanceof StateRefused) {
    const inner = cause.cause
    if (MillraceError.is(inner) && passed.has(inner.code))
      return new MillraceError(inner.code, `${where}: ${inner.message}${advice}`, facts)
    const what = MillraceError.is(inner, 'STATE_INVALID')
      ? 'would not come back from where it is stored as it is'
      : 'does not fit its schema'
    return new MillraceError(
      'STATE_INVALID',
      `${where}: the turn left a state that ${what} (${cause.message})${advice}`,
      facts,
    )
  }
  if (cause instanceof RecordRefused) return new MillraceError(cause.code, `${where}: ${cause.message}${advice}`, facts)
  const code =
    MillraceError.is(cause) && (passed.has(cause.code) || given.has(cause.code)) ? cause.code : 'HANDLER_FAILED'
  return new MillraceError(code, `${where}: the turn failed (${reasonOf(cause)})${advice}`, facts)
}

/** Codes that say more than that a handler has failed. */
const passed: ReadonlySet<string> = new Set([
  'RECORD_INVALID',
  'STATE_LEAKED',
  'RECORD_TOO_LARGE',
  'RECORDS_REFUSED',
  'PUBLISH_FAILED',
  'TURN_TIMEOUT',
  'TURN_ENDED',
])

/** Codes of what a handler has given to its turn; of a state that is refused they say less than `STATE_INVALID`. */
const given: ReadonlySet<string> = new Set([
  'VALUE_INVALID',
  'RECORD_INVALID',
  // Of a topic that it has emitted to.
  'TOPIC_MISSING',
  'NOT_AUTHORIZED',
  'BROKER_REFUSED',
])
