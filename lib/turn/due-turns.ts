import type { Clock } from '../core/clock.js'
import { RecordRefused } from '../core/record-refused.js'
import { awaitedOf } from '../log/awaited.js'
import { headersOf, noHeaders } from '../log/format/header-section.js'
import type { Due, DueTime } from '../state/due.js'
import type { Entry, Table } from '../state/table.js'
import type { Agenda } from './due/agenda.js'
import { recordWork } from './deliver.js'
import type { Failures } from './failing/failures.js'
import { inItsWindow, windowError } from './in-its-window.js'
import { type CarriedTurn } from './kept/carried.js'
import type { Guard } from './kept/guard.js'
import { expiryOf, forgetLife, isHeld, objectOf, rowKind, type Row } from './kept/row.js'
import { dropTimers, payloadOf, timerOf, timersOf, type TimerName } from './kept/timers.js'
import { keptTimer, timerHeaders } from './running/kept-timer.js'
import { carriedInfo, closeId, timerId, valueOf, type TurnSource } from './kept/turn-source.js'
import { Waiting } from './kept/waiting.js'
import type { Turns } from './turns.js'
import { parseWindowKey } from './windows/windows.js'
import type { Origin, Work } from './running/work.js'

export interface DueTurnsOptions {
  readonly turns: Turns
  readonly failures: Failures
  /** Of each kind, by id. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>
  readonly timerTopic: string
  readonly clock: Clock
  readonly seq: () => number
  /** Something that a turn waited for has come. */
  readonly onAwaited: () => void
}

/** A timer whose time has come, and what it carries, as JSON. */
interface DueTimer {
  readonly timer: TimerName
  readonly payload: string
}

interface ObjectName {
  readonly kind: string
  readonly key: string
}

/** Does what is due: timers, second attempts, windows that close, objects that have lived long enough. */
export class DueTurns {
  readonly #options: DueTurnsOptions

  constructor(options: DueTurnsOptions) {
    this.#options = options
  }

  /** What is listed may have been dealt with, or put off: the object says. Throws as `Turns.run` does. */
  run(agenda: Agenda, time: DueTime, due: Due): void {
    const { dueMs, kind, key } = due
    if (kind !== rowKind) return this.#close(agenda, due)
    const entry = agenda.rowOf(key)
    const row = entry.state as Row | undefined
    const object = objectOf(key)
    if (row === undefined || object === undefined) return
    agenda.taken(entry, time, dueMs)
    for (const [timer, [at, by, , isPutOff]] of timersOf(row))
      if (at === dueMs && by === time && isPutOff !== true) this.#timer(agenda, object, timer, due)
    if (time === 'prompt' && row.quarantine?.until === dueMs)
      this.#options.failures.release(agenda, object.kind, object.key)
    if (time === 'prompt' && row.retry?.at === dueMs) this.#retry(agenda, object, entry, due)
    if (time !== 'processing' || row.touched === undefined) return
    if (expiryOf(row.touched, row.ttlMs as number) === dueMs) this.#expire(agenda, object, dueMs)
  }

  /** One of a kind, or with a name, that this program does not have stays, and is listed again after the next takeover. */
  #timer(agenda: Agenda, object: ObjectName, timer: TimerName, due: Due): void {
    const source = this.#source(object.kind, timerId(timer.name))
    if (source === undefined || isHeldBack(agenda, source, source.dueBy ?? 'processing', due)) return
    const { dueMs } = due
    const row = agenda.row(object.kind, object.key)
    // One that was due at the same time may have taken it back.
    const payload = payloadOf((row.state ?? {}) as Row, agenda.partsOf(row), timer)
    if (payload === undefined) return
    const work = this.#work(agenda, source, object.key, dueMs, { timer, payload })
    const isDue = (): boolean => {
      const noted = agenda.row(object.kind, object.key).state as Row | undefined
      const set = noted && timerOf(noted, timer)
      return work.entry.state !== undefined && set?.[0] === dueMs && set[3] !== true
    }
    this.#options.turns.run({ ...work, value: JSON.parse(payload), timer, isDue })
  }

  #close(agenda: Agenda, due: Due): void {
    const { dueMs, kind, key } = due
    const source = this.#source(kind, closeId)
    if (source === undefined || isHeldBack(agenda, source, 'event', due)) return
    const work = this.#work(agenda, source, key, dueMs)
    const { entry } = work
    // What is listed is found again after each takeover. An object that is held has a guard.
    if (entry.guard !== undefined && dueMs <= closingOf(agenda.row(kind, key))) return
    const { turns, failures } = this.#options
    const closing = inItsWindow({ ...work, closes: closesAll(source) }, failures)
    if (closing.isDue?.() !== false) turns.run(closing)
  }

  #retry(agenda: Agenda, object: ObjectName, entry: Entry, due: Due): void {
    const row = entry.state as Row
    const turn = new Waiting(row, agenda.partsOf(entry)).first
    const own = turn && this.#source(object.kind, turn.source)
    const source = own ?? this.#source(object.kind, closeId)
    if (turn === undefined || source === undefined || isHeldBack(agenda, source, 'prompt', due)) return
    const fresh = this.#work(agenda, source, object.key, turn.record.timestamp)
    // It is being tried: what comes next is set when that has ended.
    if (isBusy(fresh.entry) || this.#mustWait(agenda, own, turn, due) || !this.#isAdmitted(agenda, source, due)) return
    const work = {
      ...fresh,
      record: carriedInfo(source, turn.record),
      carried: turn,
      tried: row.retry?.attempt ?? 0,
      retries: true,
      letter: turn.letter,
      streamTime: turn.streamTime,
      closes: turn.source === closeId && closesAll(source),
    }
    if (turn.letter?.isDropped === true) return this.#drop(work)
    let value: unknown
    try {
      if (own === undefined) throw noSource(turn, object)
      const error = windowError(own.kind, object.key)
      if (error !== undefined) throw error
      if (own.timer === undefined) value = valueOf(own, turn, work.record)
    } catch (cause) {
      const refused = cause instanceof RecordRefused ? cause : RecordRefused.because(cause, 'VALUE_INVALID')
      return this.#options.failures.failed(work, refused, { final: true })
    }
    const { turns, failures } = this.#options
    if (source.timer !== undefined) return turns.run(keptTimer(work, source.timer))
    turns.run(inItsWindow({ ...work, value }, failures))
  }

  /** Whether its record cannot be decoded yet; then it is due again when it can be. */
  #mustWait(agenda: Agenda, source: TurnSource | undefined, { record }: CarriedTurn, due: Due): boolean {
    const node = source?.ways.get(record.topic)?.[0]?.topic
    const missing = node && awaitedOf(node)?.missingOf(record.key, record.value)
    void missing?.then(() => {
      agenda.again(due)
      this.#options.onAwaited()
    })
    return missing !== undefined
  }

  #drop(work: Work): void {
    const { timer } = work.source
    this.#options.failures.dropped(timer === undefined ? work : keptTimer(work, timer))
  }

  /** While its input pauses only one is tried at intervals; the others are due again then. */
  #isAdmitted(agenda: Agenda, { breaker }: TurnSource, due: Due): boolean {
    if (breaker?.isOpen !== true || this.#options.turns.areFailing) return true
    return breaker.admitsWaiting(due.key, this.#options.clock.now(), () => agenda.again(due))
  }

  /** What is held, or has a turn under way, is not forgotten yet; nor is it when its deletion is refused. */
  #expire(agenda: Agenda, { kind, key }: ObjectName, dueMs: number): void {
    const row = agenda.row(kind, key)
    const table = agenda.table(kind)
    const definition = this.#source(kind, closeId)?.kind
    if (table === undefined || definition === undefined) return
    const seq = this.#options.seq()
    // The row says what the program said when the object was touched.
    const { ttlMs } = definition
    if (ttlMs === undefined) return agenda.change(row, seq, forgetLife)
    if (ttlMs > ((row.state as Row).ttlMs as number)) return agenda.change(row, seq, (noted) => (noted.ttlMs = ttlMs))
    const entry = table.cached(key) ?? table.load(key)
    const { turns } = this.#options
    const isWanted =
      turns.areFailing || isHeld(row.state as Row) || isBusy(entry) || !turns.isDeletable(definition, key)
    agenda.change(row, seq, (noted, parts) => {
      if (isWanted) {
        noted.touched = dueMs
        return
      }
      forgetLife(noted)
      dropTimers(noted, parts)
    })
    if (isWanted || entry.state === undefined) return
    entry.state = undefined
    entry.touched = undefined
    table.changed(entry, seq)
  }

  #source(kind: string, id: string): TurnSource | undefined {
    return this.#options.sources.get(kind)?.get(id)
  }

  #work(agenda: Agenda, source: TurnSource, objectKey: string, now: number, due?: DueTimer): Work {
    const table = agenda.state.tables[source.kindIndex] as Table
    const entry = table.cached(objectKey) ?? table.load(objectKey)
    const { key, window } = closesAll(source) ? parseWindowKey(objectKey) : { key: objectKey, window: undefined }
    const at = { topic: this.#options.timerTopic, partition: agenda.task, timestamp: now }
    const headers = due === undefined ? noHeaders : timerHeaders(due.timer)
    const record = { ...at, offset: -1n, key, headers: headersOf(headers) }
    const origin: Origin = {
      // There is no record behind it: it is kept as if its payload had been one.
      carry: () => {
        const value = due === undefined ? null : Buffer.from(due.payload)
        const carried = { ...at, offset: -1, key: Buffer.from(key), value, headers }
        return { source: source.id, record: carried, way: 0, element: 0, letter: undefined }
      },
    }
    return { ...recordWork(source, agenda, table, entry, undefined, record, origin), key, window }
  }
}

/** No more turns of this input may be begun for now: what is due is listed again when there is room. */
function isHeldBack(agenda: Agenda, { isAsync, room }: TurnSource, time: DueTime, due: Due): boolean {
  if (!isAsync || !room.isFull) return false
  agenda.holdBack(room, time, due)
  return true
}

/** An object of one window is over with it; the sessions of a key are closed one by one. */
function closesAll({ kind }: TurnSource): boolean {
  return kind.window !== undefined && kind.window.kind !== 'session'
}

/** Up to when its windows need not be closed any more. */
const closingOf = ({ state }: Entry): number => (state as Row | undefined)?.closing ?? -Infinity

const isBusy = ({ guard }: Entry): boolean => (guard as Guard | undefined)?.busy === true

function noSource({ source }: CarriedTurn, { kind }: ObjectName): RecordRefused {
  return new RecordRefused(
    'DEFINITION_INVALID',
    `a record waits for '${source}', which state object '${kind}' no longer has`,
    { kind },
  )
}
