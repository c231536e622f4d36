import type { Due, DueTime } from '../../state/due.js'
import type { Entry, Table } from '../../state/table.js'
import type { TaskState } from '../../state/task-state.js'
import { isHeard, publish } from '../../core/telemetry/channels.js'
import { guardOf } from '../kept/guard.js'
import { Parts } from '../kept/parts.js'
import { Quarantines } from '../kept/quarantines.js'
import type { Room } from '../inputs/room.js'
import { eachDue, isEmpty, isHeld, objectOf, rowKey, rowKind, type Row } from '../kept/row.js'
import type { RecordTimes } from './record-times.js'
import { Schedule } from './schedule.js'
import { StreamTime, type StreamTimeOptions } from './stream-time.js'

export interface AgendaOptions {
  readonly app: string
  /** What may be times; undefined when nothing in the app asks for event time. */
  readonly times: RecordTimes | undefined
  /** By the index of its kind; undefined for kinds that do not ask for it. */
  readonly streams: readonly (StreamTimeOptions | undefined)[]
  /** More of what is due is known. */
  readonly onRead: () => void
  readonly onError: (error: unknown) => void
}

/** What is due by one time, each in the order of it: by the clock, or by the event time of one kind. */
export interface Lane {
  readonly time: DueTime
  readonly schedule: Schedule
  /** Undefined for the clock. */
  readonly stream: StreamTime | undefined
}

/** What is due and what waits in one task: the rows of its objects, and when to look at which. */
export class Agenda {
  readonly task: number
  readonly state: TaskState
  /** What may be event times; undefined when nothing in the app asks for them. */
  readonly times: RecordTimes | undefined
  /** By the index of its kind; undefined for kinds that do not ask for event time. */
  readonly #streams: readonly (StreamTime | undefined)[]
  readonly #app: string
  readonly #rows: Table
  readonly #heldBack = new Map<Room, { readonly time: DueTime; readonly due: Due }[]>()
  readonly #clock: Lane
  readonly #prompt: Lane
  /** By kind. */
  readonly #events: ReadonlyMap<string, Lane>
  /** Those of the clock first. */
  readonly lanes: readonly Lane[]
  /** Which objects are in quarantine. */
  readonly quarantines = new Quarantines()
  /** Which wait for another attempt of a turn that has failed. */
  readonly retries = new Quarantines()

  constructor(task: number, state: TaskState, { app, times, streams, onRead, onError }: AgendaOptions) {
    this.#app = app
    this.task = task
    this.state = state
    this.times = times
    this.#rows = state.tables.at(-1) as Table
    this.#streams = streams.map((options) => options && new StreamTime(options, this))
    const schedule = (time: DueTime, isOwn: (due: Due) => boolean): Schedule =>
      new Schedule({ time, state, pinned: (list) => this.#pinnedDues(time, list), isOwn, onRead, onError })
    const byClock = (time: DueTime): Lane => ({ time, schedule: schedule(time, () => true), stream: undefined })
    this.#clock = byClock('processing')
    this.#prompt = byClock('prompt')
    this.#events = new Map(
      this.#streams.flatMap((stream) => {
        if (stream === undefined) return []
        const { kind } = stream
        return [[kind, { time: 'event', schedule: schedule('event', (due) => kindOf(due) === kind), stream }] as const]
      }),
    )
    this.lanes = [this.#clock, this.#prompt, ...this.#events.values()]
  }

  /** How far event time has come for a kind. */
  streamTime(kindIndex: number): number {
    return this.#streams[kindIndex]?.now ?? -Infinity
  }

  stream(kindIndex: number): StreamTime | undefined {
    return this.#streams[kindIndex]
  }

  /** Finds the objects whose turns must not pass, and how far event time has come. Call it before the first turn. */
  async open(now: number): Promise<void> {
    this.#load(now)
    for await (const { kind, key } of this.state.due('processing', 0, 1)) {
      if (kind !== rowKind) continue
      this.#guard(key)
      const row = this.#rows.committedState(key)
      if (isQuarantined(row)) this.quarantines.found(key)
      if (isRetried(row)) this.retries.found(key)
    }
  }

  /** The row of an object; an entry without state when nothing is noted. */
  row(kind: string, key: string): Entry {
    return this.rowOf(rowKey(kind, key))
  }

  /** What stands beside a row, to be read. */
  partsOf(entry: Entry): Parts {
    return new Parts(this.#rows, entry.key, 0)
  }

  rowOf(key: string): Entry {
    return this.#rows.cached(key) ?? this.#rows.load(key)
  }

  /** Changes a row, and what stands beside it, as part of commit `seq`. */
  change(entry: Entry, seq: number, change: (row: Row, parts: Parts) => void): void {
    const row = (entry.state ?? {}) as Row
    change(row, new Parts(this.#rows, entry.key, seq))
    entry.state = isEmpty(row) ? undefined : row
    this.#rows.changed(entry, seq)
    if (isHeld(row)) this.#guard(entry.key)
    if (row.quarantine !== undefined || this.quarantines.size > 0) {
      const isNew = this.quarantines.note(entry.key, isQuarantined(row))
      if (isNew && isHeard('millrace:quarantine')) this.#publish(entry.key, isQuarantined(row))
    }
    if (isRetried(row) || this.retries.size > 0) this.retries.note(entry.key, isRetried(row))
    this.#list(entry, 'processing', -Infinity)
    this.#list(entry, 'prompt', -Infinity)
    if (this.#events.size > 0) this.#list(entry, 'event', -Infinity)
  }

  #publish(row: string, isIn: boolean): void {
    const object = objectOf(row)
    if (object !== undefined) publish('millrace:quarantine', { app: this.#app, task: this.task, ...object, isIn })
  }

  /** An object has been taken out of a schedule, being due then: what it is due for later is put back. */
  taken(entry: Entry, time: DueTime, dueMs: number): void {
    this.#list(entry, time, dueMs)
  }

  /** There is no room for its turn: it is due again when there is. */
  holdBack(room: Room, time: DueTime, due: Due): void {
    const held = this.#heldBack.get(room)
    if (held === undefined) this.#heldBack.set(room, [{ time, due }])
    else held.push({ time, due })
  }

  /** As much of what was held back as there is room for now. */
  letGo(): void {
    for (const [room, held] of this.#heldBack) {
      for (const { time, due } of held.splice(0, room.left)) this.#add(time, due)
      if (held.length === 0) this.#heldBack.delete(room)
    }
  }

  /** A window has been opened. */
  add(due: Due): void {
    this.#add('event', due)
  }

  /** The window of an object, if it has one, is to be closed as if it had just been opened. */
  listWindow(kind: string, key: string): void {
    const table = this.table(kind)
    const { state } = table?.cached(key) ?? table?.load(key) ?? {}
    const dueMs = state === undefined ? undefined : table?.kind.eventDue?.(key, state)
    if (dueMs !== undefined) this.add({ dueMs, kind, key })
  }

  /** What was due, and was not done, is due. */
  again(due: Due): void {
    this.#add('prompt', due)
  }

  /** After what was done since the last seal has been taken back. */
  reset(now: number): void {
    this.#load(now)
    this.quarantines.undone((row) => isQuarantined(this.rowOf(row).state))
    this.retries.undone((row) => isRetried(this.rowOf(row).state))
    this.close()
  }

  #load(now: number): void {
    for (const stream of this.#streams) stream?.load(now)
  }

  /** What is due of a kind that this program does not have stays in the store. */
  #add(time: DueTime, due: Due): void {
    if (time === 'processing') this.#clock.schedule.add(due)
    else if (time === 'prompt') this.#prompt.schedule.add(due)
    else this.#events.get(kindOf(due) ?? '')?.schedule.add(due)
  }

  /** Its task does not run here any more: nothing is read from its store from now on. */
  close(): void {
    for (const { schedule } of this.lanes) schedule.reset()
    this.#heldBack.clear()
  }

  table(kind: string): Table | undefined {
    return this.state.tables.find((table) => table.kind.name === kind)
  }

  /** Such an object gets a guard that makes its turns look at the row. */
  #guard(row: string): void {
    const object = objectOf(row)
    const table = object === undefined ? undefined : this.table(object.kind)
    if (object !== undefined && table !== undefined) guardOf(table, object.key).mayHold = true
  }

  /** A schedule has each object once. */
  #list({ key, state }: Entry, time: DueTime, afterMs: number): void {
    if (state === undefined) return
    let first = Infinity
    eachDue(state as Row, (by, dueMs) => {
      if (by === time && dueMs > afterMs && dueMs < first) first = dueMs
    })
    if (first < Infinity) this.#add(time, { dueMs: first, kind: rowKind, key })
  }

  #pinnedDues(time: DueTime, list: (due: Due) => void): void {
    for (const entry of this.#rows.pinned()) {
      if (entry.state === undefined) continue
      eachDue(entry.state as Row, (by, dueMs) => {
        if (by === time) list({ dueMs, kind: rowKind, key: entry.key })
      })
    }
    if (time === 'event') this.#pinnedWindows(list)
  }

  #pinnedWindows(list: (due: Due) => void): void {
    for (const table of this.state.tables) {
      const { name, eventDue } = table.kind
      if (eventDue === undefined) continue
      for (const { key, state } of table.pinned()) {
        if (state !== undefined) list({ dueMs: eventDue(key, state), kind: name, key })
      }
    }
  }
}

const isQuarantined = (row: unknown): boolean => (row as Row | undefined)?.quarantine !== undefined

/** One that was not tried yet waits for others, or is under way. */
const isRetried = (row: unknown): boolean => ((row as Row | undefined)?.retry?.attempt ?? 0) > 0

/** Whose event time it goes by: rows are of objects of another kind. */
const kindOf = ({ kind, key }: Due): string | undefined => (kind === rowKind ? objectOf(key)?.kind : kind)
