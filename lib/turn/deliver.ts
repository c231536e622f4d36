import type { RecordInfo } from '../core/record.js'
import type { FixedWindow, SessionWindow } from '../model/window.js'
import type { Entry, Table } from '../state/table.js'
import type { Agenda } from './due/agenda.js'
import type { Failures } from './failing/failures.js'
import { isLate, type Sessions } from './windows/sessions.js'
import type { TurnSource } from './kept/turn-source.js'
import type { Turns } from './turns.js'
import { tooLate, untimelyError } from './untimely.js'
import { windowAt, windowCount, windowKey } from './windows/windows.js'
import type { Origin, Work } from './running/work.js'

/** A value that has come to the task of its object. */
export interface Delivery {
  readonly source: TurnSource
  readonly agenda: Agenda
  readonly table: Table
  readonly key: string
  readonly value: unknown
  readonly record: RecordInfo
  readonly origin: Origin
  /** Number of the dead letter that is replayed. */
  readonly letter: number | undefined
}

/** Runs the turns of a value: one, or, of a windowed kind, one for each window that it is in and that is open. */
export function deliver(delivery: Delivery, turns: Turns, failures: Failures): void {
  const { window } = delivery.source.kind
  if (window === undefined) return turns.run(workOn(delivery, delivery.key, undefined))
  const untimely = untimelyError(delivery)
  if (untimely !== undefined) return failures.refused(workOn(delivery, delivery.key, undefined), untimely, window.late)
  if (window.kind === 'session') return deliverToSession(delivery, window, turns, failures)
  deliverToWindows(delivery, window, turns, failures)
}

function deliverToWindows(delivery: Delivery, window: FixedWindow, turns: Turns, failures: Failures): void {
  const { agenda, key, record } = delivery
  const { graceMs, late } = window
  const now = agenda.time?.now ?? -Infinity
  const count = windowCount(window)
  let open = 0
  for (let index = 0; index < count; index++) {
    const bounds = windowAt(record.timestamp, window, index)
    if (bounds.end + graceMs <= now) continue
    open++
    turns.run(workOn(delivery, windowKey(key, bounds), bounds))
  }
  if (open > 0) return
  const last = windowKey(key, windowAt(record.timestamp, window, count - 1))
  failures.refused(workOn(delivery, last, undefined), tooLate(delivery, now), late)
}

function deliverToSession(delivery: Delivery, window: SessionWindow, turns: Turns, failures: Failures): void {
  const { agenda, record } = delivery
  const now = agenda.time?.now ?? -Infinity
  const work = workOn(delivery, delivery.key, undefined)
  if (isLate(work.entry.state as Sessions | undefined, record.timestamp, window, now))
    return failures.refused(work, tooLate(delivery, now), window.late)
  turns.run(work)
}

function workOn(
  { source, agenda, table, key, value, record, origin, letter }: Delivery,
  object: string,
  window: Work['window'],
): Work {
  const entry = table.cached(object) ?? table.load(object)
  const work = recordWork(source, agenda, table, entry, value, record, origin)
  return window === undefined && letter === undefined ? work : { ...work, key, window, letter }
}

/** A turn on an object that has no window, not tried before. Positional: it is made for every turn. */
export function recordWork(
  source: TurnSource,
  agenda: Agenda,
  table: Table,
  entry: Entry,
  value: unknown,
  record: RecordInfo,
  origin: Origin,
): Work {
  return {
    source,
    agenda,
    table,
    entry,
    key: entry.key,
    value,
    record,
    origin,
    carried: undefined,
    window: undefined,
    now: record.timestamp,
    tried: 0,
    retries: false,
    letter: undefined,
    timer: undefined,
    isDue: undefined,
    closes: false,
  }
}
