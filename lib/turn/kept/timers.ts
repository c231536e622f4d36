import { asBuffer, utf8Text } from '../../core/bytes.js'
import type { DueTime } from '../../state/due.js'
import type { Parts } from './parts.js'
import type { Row, TimerEntry } from './row.js'

/** What a timer carries stands in its row when it has at most so many characters. */
const shortPayload = 256

/** Which timer of its object: of several with one name each has an id. */
export interface TimerName {
  readonly name: string
  readonly id: string | undefined
}

/** When a timer is due, by which time, and what it carries, as JSON. */
export type TimerSet = readonly [dueMs: number, time: DueTime, payload: string]

export function setTimer(row: Row, parts: Parts, timer: TimerName, [dueMs, time, payload]: TimerSet): void {
  dropTimer(row, parts, timer)
  const isShort = payload.length <= shortPayload
  if (!isShort) parts.put(partOf(timer), Buffer.from(payload))
  put(row, timer, [dueMs, time, isShort ? payload : null])
}

export function dropTimer(row: Row, parts: Parts, timer: TimerName): void {
  const set = timerOf(row, timer)
  if (set === undefined) return
  if (set[2] === null) parts.delete(partOf(timer))
  const { name, id } = timer
  if (id === undefined) {
    const timers = row.timers as Record<string, TimerEntry>
    delete timers[name]
    if (isEmpty(timers)) delete row.timers
    return
  }
  const several = row.several as NonNullable<Row['several']>
  const byId = several[name] as Record<string, TimerEntry>
  delete byId[id]
  if (isEmpty(byId)) delete several[name]
  if (isEmpty(several)) delete row.several
}

export function dropTimers(row: Row, parts: Parts): void {
  for (const [timer] of timersOf(row)) dropTimer(row, parts, timer)
}

/** All that are set. */
export function timersOf({ timers, several }: Row): readonly (readonly [TimerName, TimerEntry])[] {
  const all: [TimerName, TimerEntry][] = []
  for (const [name, set] of Object.entries(timers ?? {})) all.push([{ name, id: undefined }, set])
  for (const [name, byId] of Object.entries(several ?? {}))
    for (const [id, set] of Object.entries(byId)) all.push([{ name, id }, set])
  return all
}

/** As the row has it; undefined when it is not set. */
export function timerOf({ timers, several }: Row, { name, id }: TimerName): TimerEntry | undefined {
  if (id === undefined) return own(timers, name)
  return own(own(several, name), id)
}

/** What a timer carries, as JSON; undefined when it is not set. */
export function payloadOf(row: Row, parts: Parts, timer: TimerName): string | undefined {
  const set = timerOf(row, timer)
  if (set === undefined) return undefined
  if (set[2] !== null) return set[2]
  const bytes = parts.get(partOf(timer))
  return bytes && utf8Text(asBuffer(bytes), 0, bytes.length)
}

/**
 * The turn of the timer that was due then has come and cannot be run yet: it waits among those of its object, or is a dead
 * letter. It can still be taken back; of no effect when it has been moved since.
 */
export function putOff(row: Row, timer: TimerName, dueMs: number): void {
  const set = timerOf(row, timer)
  if (set?.[0] === dueMs) put(row, timer, [set[0], set[1], set[2], true])
}

/** Whether the timer that was due then still waits for its turn. */
export function isPutOff(row: Row | undefined, timer: TimerName, dueMs: number): boolean {
  const set = row && timerOf(row, timer)
  return set !== undefined && set[0] === dueMs && set[3] === true
}

function put(row: Row, { name, id }: TimerName, set: TimerEntry): void {
  if (id === undefined) return assign((row.timers ??= {}), name, set)
  const several = (row.several ??= {})
  if (own(several, name) === undefined) assign(several, name, {})
  assign(several[name] as Record<string, TimerEntry>, id, set)
}

/** Also where the name is `__proto__`. */
function assign<T>(record: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true })
}

function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false
  return true
}

/** No beginning of another, whatever stands in name and id. */
const partOf = ({ name, id }: TimerName): string =>
  id === undefined ? `t${name.length}:${name}` : `i${name.length}:${name}${id.length}:${id}`
