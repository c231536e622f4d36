import type { RecordInfo } from '../core/record.js'
import type { FixedWindow } from '../model/window.js'
import type { Entry, Table } from '../state/table.js'
import type { Agenda } from './due/agenda.js'
import type { Failures } from './failing/failures.js'
import type { CarriedTurn, ReplayedLetter } from './kept/carried.js'
import { guardOfEntry } from './kept/guard.js'
import { closeId, valueOf, type TurnSource } from './kept/turn-source.js'
import type { Turns } from './turns.js'
import { inItsWindow, windowError } from './in-its-window.js'
import { tooLate, untimelyError } from './untimely.js'
import { hasFixedWindows, parseWindowKey, windowAt, windowCount, windowKey } from './windows/windows.js'
import { keptTimer } from './running/kept-timer.js'
import { carriedTurn, type Origin, type Work } from './running/work.js'

/** A value that has come to the task of its object. */
export interface Delivery {
  readonly source: TurnSource
  readonly agenda: Agenda
  readonly table: Table
  readonly key: string
  readonly value: unknown
  readonly record: RecordInfo
  readonly origin: Origin
  /** Of a dead letter that is replayed. */
  readonly letter: ReplayedLetter | undefined
  /** Of one that is replayed: see `Work`. */
  readonly streamTime?: number | undefined
}

/** Runs the turns of a value: one, or, of a windowed kind, one for each window that it is in and that is open. */
export function deliver(delivery: Delivery, turns: Turns, failures: Failures): void {
  const { window } = delivery.source.kind
  if (delivery.letter !== undefined) return deliverLetter(delivery, turns, failures)
  if (window === undefined) return turns.run(workOn(delivery, delivery.key, undefined))
  const untimely = untimelyError(delivery)
  if (untimely !== undefined) return failures.refused(workOn(delivery, delivery.key, undefined), untimely, window.late)
  if (window.kind === 'session') return deliverToSession(delivery, turns, failures)
  deliverToWindows(delivery, window, turns, failures)
}

/** It says which object it is of, window included, and waits for nothing: whether it was late was asked when it first came. */
function deliverLetter(delivery: Delivery, turns: Turns, failures: Failures): void {
  const { source, key: object } = delivery
  const fixed = hasFixedWindows(source.kind)
  const { key, window } = fixed ? parseWindowKey(object) : { key: object, window: undefined }
  const work = workOn({ ...delivery, key }, object, window)
  // Whether its turn has come is asked as for objects that are held: nothing may be noted of this one any more.
  guardOfEntry(work.table, work.entry)
  const error = windowError(source.kind, object)
  if (error !== undefined) return turns.failing({ error, brief: false }, () => turns.run(work))
  // It may be any source of the kind then.
  if (turns.areFailing) return turns.run(work)
  if (source.timer !== undefined) return turns.run(keptTimer(work, source.timer))
  turns.run(inItsWindow(fixed ? { ...work, closes: source.id === closeId } : work, failures))
}

function deliverToWindows(delivery: Delivery, window: FixedWindow, turns: Turns, failures: Failures): void {
  const { source, agenda, key, record } = delivery
  const now = agenda.streamTime(source.kindIndex)
  const count = windowCount(window)
  const isOpen = (index: number): boolean => windowAt(record.timestamp, window, index).end + window.graceMs > now
  let first = 0
  // The later a window the later it ends: all behind the first open one are open.
  while (first < count && !isOpen(first)) first++
  if (first === count) {
    const last = windowKey(key, windowAt(record.timestamp, window, count - 1))
    return failures.refused(workOn(delivery, last, undefined), tooLate(delivery, now), window.late)
  }
  const each = turnsInWindows(delivery, window, first, count, turns, failures)
  if (count - first > windowsAtOnce) return turns.unfinished.add(each)
  while (each.next().done !== true);
}

/** More windows than this, and the turns in them are spread over slices. */
const windowsAtOnce = 64

/** Runs one turn each time it is asked for the next. */
function* turnsInWindows(
  delivery: Delivery,
  window: FixedWindow,
  first: number,
  count: number,
  turns: Turns,
  failures: Failures,
): Generator<void> {
  const { source, key, value, record } = delivery
  let carried: CarriedTurn | undefined
  for (let index = first; index < count; index++) {
    const bounds = windowAt(record.timestamp, window, index)
    const work = { ...workOn(delivery, windowKey(key, bounds), bounds), carried }
    // Taken while what is read stands on it; the same for all windows.
    if (index === first && first + 1 < count) carried = carriedTurn(work)
    if (carried === undefined || index === first || typeof value !== 'object' || value === null) turns.run(work)
    else runWithOwnValue(work, source, carried, turns, failures)
    yield
  }
}

/** Each window has a value of its own: what a turn in one does to it no other sees, in this run or in one after a failure. */
function runWithOwnValue(work: Work, source: TurnSource, carried: CarriedTurn, turns: Turns, failures: Failures): void {
  let value: unknown
  try {
    value = valueOf(source, carried, work.record)
  } catch (cause) {
    return failures.failed(work, cause, { final: true })
  }
  turns.run({ ...work, value })
}

/** Turns before it that wait may open the session that it belongs to: whether it is late is asked when its turn comes. */
function deliverToSession(delivery: Delivery, turns: Turns, failures: Failures): void {
  turns.run(inItsWindow(workOn(delivery, delivery.key, undefined), failures))
}

function workOn(
  { source, agenda, table, key, value, record, origin, letter, streamTime }: Delivery,
  object: string,
  window: Work['window'],
): Work {
  const entry = table.cached(object) ?? table.load(object)
  const work = recordWork(source, agenda, table, entry, value, record, origin)
  return window === undefined && letter === undefined ? work : { ...work, key, window, letter, streamTime }
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
    streamTime: undefined,
    tried: 0,
    retries: false,
    letter: undefined,
    timer: undefined,
    isDue: undefined,
    closes: false,
  }
}
