import type { DueTime } from '../../state/due.js'
import type { ReplayedLetter } from './carried.js'

/**
 * What is noted of one object beside its state, or of a task as a whole: a row of `<app>-timers`. It is state like any
 * other: changed in turns, committed, restored and undone with them. What can be large stands in `Parts` of it.
 */
export interface Row {
  /** By name. */
  timers?: Record<string, TimerEntry>
  /** Those that have ids, by name and id. */
  several?: Record<string, Record<string, TimerEntry>>
  /** The object is forgotten at `touched` plus a tenth more than `ttlMs`; see `touch`. */
  touched?: number
  ttlMs?: number
  /** Turns that have failed, or wait behind one that has: see `Waiting`. */
  waiting?: WaitingTurns
  /** Its windows up to this time have been closed as far as that goes: that turn waits, or is a dead letter. */
  closing?: number
  /** When the first of them is tried again, how often it has been tried, and milliseconds waited between, those until `at` included. */
  retry?: { at: number; attempt: number; waited: number }
  quarantine?: Quarantine
  /** There are dead letters of it that have not had their turn. */
  letters?: Letters
  /** Of a task: how far event time has come for each kind that asks for it. */
  streams?: readonly StreamRow[]
  /** The same as versions wrote it in which all kinds of a task had one time. */
  streamTime?: number
  origins?: readonly (readonly [through: string, topic: string, partition: number, latest: number])[]
}

/** The time of one kind, and what it follows from. */
export interface StreamRow {
  readonly kind: string
  /** Missing as long as it has not begun. */
  readonly at?: number
  /** Until when, by the clock, partitions that say nothing are waited for; missing when all are silent. */
  readonly waits?: number
  /** By topic, of each partition in order. */
  readonly origins: readonly (readonly [topic: string, entries: readonly OriginEntry[]])[]
}

/**
 * The latest timestamp of a source partition: as a number; in a list when the partition is silent, with the position up to which
 * it had been read; an empty list when it has given none yet; null when nothing is known of it.
 */
export type OriginEntry = number | readonly number[] | null

/**
 * When a timer is due, by which time, and what it carries, as JSON, null when that stands in a part. `isPutOff`: it was due,
 * and its turn waits among those of its object, or is a dead letter.
 */
export type TimerEntry = readonly [dueMs: number, time: DueTime, payload: string | null, isPutOff?: true]

/** Each stands in a part of its own, numbered. Replayed dead letters come before all others. */
export interface WaitingTurns {
  letters: Span
  others: Span
  /** Number of the last of the dead letters among them. */
  taken?: number
  /** Of all of them, as they are kept. */
  bytes: number
}

/** Numbers from `first` to before `end`. */
export interface Span {
  first: number
  end: number
}

// Rule quarantine-in-state (integration/model).
/** After a turn has failed for good, all turns of its object go to the dead letters, in order, until those are replayed. */
export interface Quarantine {
  /** Number of the last dead letter from before it, of one that was lifted or that has had its turn; missing for 0. */
  after?: number
  /** When it began, by the clock. */
  since: number
  /** Of the error that it began with. */
  code: string
  /** When it is lifted by itself. */
  until?: number
}

// Order is that of numbers: one that fails again keeps its own, and those behind it are letters still, whatever was on its way.
/** The dead letters of an object are numbered one after the other. It is free of them when the last one has had its turn. */
export interface Letters {
  /** Unlike that of any before, so that a copy of an old letter is known. */
  readonly series: string
  /** Number of the last one. */
  last: number
  /** Of the last that has had its turn: replayed with success, refused for good, or dropped. */
  done: number
}

/** What the row of a task says of kinds, given with their inboxes. Of an earlier version it is the same for all of them. */
export function streamsOf(row: Row, inboxes: ReadonlyMap<string, string>): readonly StreamRow[] {
  const { streams, streamTime: at, origins: earlier } = row
  if (streams !== undefined || earlier === undefined) return streams ?? []
  return [...inboxes].map(([kind, inbox]) => {
    const origins = new Map<string, OriginEntry[]>()
    for (const [through, topic, partition, latest] of earlier) {
      if (through !== topic && through !== inbox) continue
      const entries = origins.get(topic) ?? []
      while (entries.length <= partition) entries.push(null)
      entries[partition] = latest
      origins.set(topic, entries)
    }
    return { kind, ...(at !== undefined && { at }), origins: [...origins] }
  })
}

/** The kind of rows. No state object has a dash in its name. */
export const rowKind = '-timers'

/** Of the row that belongs to a task, not to an object: no kind has this name. */
export const taskRow = '*'

export const rowKey = (kind: string, key: string): string => `${kind}/${key}`

/** The object of a row; undefined for that of the task. */
export function objectOf(row: string): { readonly kind: string; readonly key: string } | undefined {
  const end = row.indexOf('/')
  return end < 0 ? undefined : { kind: row.slice(0, end), key: row.slice(end + 1) }
}

/** Part of its time to live by which an object may outlive it: so it is noted ten times in its life, not with each turn. */
const touchShare = 0.1

export const touchEveryMs = (ttlMs: number): number => ttlMs * touchShare
export const expiryOf = (touched: number, ttlMs: number): number => Math.ceil(touched + ttlMs * (1 + touchShare))

/** When it was touched counts no more. */
export function forgetLife(row: Row): void {
  delete row.touched
  delete row.ttlMs
}

/** Whether later turns of the object must not pass. */
export const isHeld = ({ waiting, quarantine }: Row): boolean => waiting !== undefined || quarantine !== undefined

export const isEmpty = (row: Row): boolean => Object.keys(row).length === 0

/**
 * Whether the turn of a replayed letter has come: it has had it, or is on its way already, as when it is sent back twice; or one
 * before it has not been taken, without which it must not go.
 */
export function placeOf(
  { letters, waiting }: Row,
  { series, number, behind }: ReplayedLetter,
): 'next' | 'done' | 'early' {
  if (letters?.series !== series) return 'done'
  const isWaiting = waiting !== undefined && waiting.letters.end > waiting.letters.first
  const taken = Math.max(letters.done, isWaiting ? (waiting.taken ?? 0) : 0)
  if (number <= taken) return 'done'
  return behind <= taken && number <= letters.last ? 'next' : 'early'
}

/** Dead letters of an object since its quarantine began that have not had their turn. */
export const lettersOf = ({ letters, quarantine }: Row): number =>
  letters === undefined ? 0 : letters.last - Math.max(letters.done, quarantine?.after ?? 0)

/** Whether a dead letter is of a quarantine that was lifted before it was replayed. */
export const isReleased = (row: Row | undefined, letter: number): boolean =>
  row?.quarantine === undefined || letter <= (row.quarantine.after ?? 0)

/** Listed under this time, so that a takeover finds all objects that are held. */
export const heldAtMs = 0

/** Calls `list` with every time at which something is to be done about the object. */
export function eachDue(row: Row, list: (time: DueTime, dueMs: number) => void): void {
  const { timers, several } = row
  if (timers !== undefined) eachTimer(timers, list)
  if (several !== undefined) for (const byId of Object.values(several)) eachTimer(byId, list)
  if (row.retry !== undefined) list('prompt', row.retry.at)
  if (row.quarantine?.until !== undefined) list('prompt', row.quarantine.until)
  if (row.touched !== undefined) list('processing', expiryOf(row.touched, row.ttlMs as number))
}

function eachTimer(timers: Readonly<Record<string, TimerEntry>>, list: (time: DueTime, dueMs: number) => void): void {
  for (const [dueMs, time, , isPutOff] of Object.values(timers)) if (isPutOff !== true) list(time, dueMs)
}
