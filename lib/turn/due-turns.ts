import { MillraceError } from '../core/errors.js'
import type { RecordInfo } from '../core/record.js'
import type { Due, DueTime } from '../state/due.js'
import type { Entry, Table } from '../state/table.js'
import type { Agenda } from './due/agenda.js'
import { recordWork } from './deliver.js'
import type { Failures } from './failing/failures.js'
import type { Guard } from './kept/guard.js'
import { keptOriginal, keptRecord, keptValue, type KeptTurn } from './kept/kept-turn.js'
import { expiryOf, isHeld, objectOf, rowKind, type Row } from './kept/row.js'
import { closeId, timerId, type TurnSource } from './kept/turn-source.js'
import type { Turns } from './turns.js'
import { parseWindowKey } from './windows/windows.js'
import type { Work } from './running/work.js'

export interface DueTurnsOptions {
  readonly turns: Turns
  readonly failures: Failures
  /** Of each kind, by id. */
  readonly sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>
  readonly timerTopic: string
  readonly seq: () => number
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
  run(agenda: Agenda, time: DueTime, { dueMs, kind, key }: Due): void {
    if (kind !== rowKind) return this.#close(agenda, { kind, key }, dueMs)
    const entry = agenda.rowOf(key)
    const row = entry.state as Row | undefined
    const object = objectOf(key)
    if (row === undefined || object === undefined) return
    agenda.taken(entry, time, dueMs)
    for (const [name, [at, by]] of Object.entries(row.timers ?? {}))
      if (at === dueMs && by === time) this.#timer(agenda, object, name, dueMs)
    if (time === 'event') return
    if (row.retry?.at === dueMs) this.#retry(agenda, object, row)
    if (row.touched !== undefined && expiryOf(row.touched, row.ttlMs as number) === dueMs)
      this.#expire(agenda, object, dueMs)
  }

  /** One of a kind, or with a name, that this program does not have stays, and is listed again after the next takeover. */
  #timer(agenda: Agenda, object: ObjectName, name: string, dueMs: number): void {
    const source = this.#source(object.kind, timerId(name))
    if (source === undefined) return
    const work = this.#work(agenda, source, object.key, dueMs)
    const set = (): readonly [number, string, unknown] | undefined =>
      (agenda.row(object.kind, object.key).state as Row | undefined)?.timers?.[name]
    const isDue = (): boolean => work.entry.state !== undefined && set()?.[0] === dueMs
    this.#options.turns.run({ ...work, value: set()?.[2], timer: name, isDue })
  }

  #close(agenda: Agenda, { kind, key }: ObjectName, dueMs: number): void {
    const source = this.#source(kind, closeId)
    if (source === undefined) return
    const work = this.#work(agenda, source, key, dueMs)
    const { entry, table } = work
    const due = (): number =>
      entry.state === undefined ? Infinity : (table.kind.eventDue?.(entry.key, entry.state) ?? Infinity)
    if (due() <= dueMs) this.#options.turns.run({ ...work, isDue: () => due() <= dueMs, closes: closesAll(source) })
    // A session that was extended.
    else if (due() < Infinity) agenda.add({ dueMs: due(), kind, key })
  }

  #retry(agenda: Agenda, object: ObjectName, { waiting, retry }: Row): void {
    const [turn] = waiting ?? []
    const own = turn && this.#source(object.kind, turn.source)
    const source = own ?? this.#source(object.kind, closeId)
    if (turn === undefined || source === undefined) return
    const fresh = this.#work(agenda, source, object.key, turn.record.timestamp)
    // It is being tried: what comes next is set when that has ended.
    if (isBusy(fresh.entry)) return
    const work = {
      ...fresh,
      record: keptRecord(turn),
      original: source.isTimer ? undefined : { bytes: keptOriginal(turn), changed: turn.form !== 'o' },
      tried: retry?.attempt ?? 0,
      retries: true,
      letter: turn.letter,
      closes: turn.source === closeId && closesAll(source),
    }
    let value: unknown
    try {
      value = valueOf(turn, own, object)
    } catch (cause) {
      return this.#options.failures.failed(work, cause, { final: true })
    }
    this.#options.turns.run({ ...work, value })
  }

  /** What is held, or has a turn under way, is not forgotten yet; nor is it when a broker refuses its deletion. */
  #expire(agenda: Agenda, { kind, key }: ObjectName, dueMs: number): void {
    const row = agenda.row(kind, key)
    const table = agenda.table(kind)
    if (table === undefined) return
    const entry = table.cached(key) ?? table.load(key)
    const isWanted = this.#options.turns.areFailing || isHeld(row.state as Row) || isBusy(entry)
    const seq = this.#options.seq()
    agenda.change(row, seq, (noted) => {
      if (isWanted) noted.touched = dueMs
      else for (const name of ['touched', 'ttlMs', 'timers'] as const) delete noted[name]
    })
    if (isWanted || entry.state === undefined) return
    entry.state = undefined
    entry.touched = undefined
    table.changed(entry, seq)
  }

  #source(kind: string, id: string): TurnSource | undefined {
    return this.#options.sources.get(kind)?.get(id)
  }

  #work(agenda: Agenda, source: TurnSource, objectKey: string, now: number): Work {
    const table = agenda.state.tables[source.kindIndex] as Table
    const entry = table.cached(objectKey) ?? table.load(objectKey)
    const { key, window } = closesAll(source) ? parseWindowKey(objectKey) : { key: objectKey, window: undefined }
    const record = this.#noRecord(agenda.task, key, now)
    return { ...recordWork(source, agenda, table, entry, undefined, record, undefined), key, window }
  }

  #noRecord(partition: number, key: string, timestamp: number): RecordInfo {
    return { topic: this.#options.timerTopic, partition, offset: -1n, timestamp, key, headers: new Map() }
  }
}

/** An object of one window is over with it; the sessions of a key are closed one by one. */
function closesAll({ kind }: TurnSource): boolean {
  return kind.window !== undefined && kind.window.kind !== 'session'
}

const isBusy = ({ guard }: Entry): boolean => (guard as Guard | undefined)?.busy === true

function valueOf(turn: KeptTurn, source: TurnSource | undefined, { kind }: ObjectName): unknown {
  if (source !== undefined) return keptValue(turn, source)
  throw new MillraceError(
    'DEFINITION_INVALID',
    `a record waits for '${turn.source}', which state object '${kind}' no longer has`,
    { kind },
  )
}
