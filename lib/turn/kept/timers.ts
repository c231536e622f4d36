import { asBuffer, utf8Text } from '../../core/bytes.js'
import type { Parts } from './parts.js'
import type { Row } from './row.js'

/** What a timer carries stands in its row when it has at most so many characters. */
const shortPayload = 256

/** When a timer is due, by the clock or by event time, and what it carries, as JSON. */
export type TimerSet = readonly [dueMs: number, time: 'processing' | 'event', payload: string]

export function setTimer(row: Row, parts: Parts, name: string, [dueMs, time, payload]: TimerSet): void {
  dropTimer(row, parts, name)
  const isShort = payload.length <= shortPayload
  if (!isShort) parts.put(partOf(name), Buffer.from(payload))
  row.timers = { ...row.timers, [name]: [dueMs, time, isShort ? payload : null] }
}

export function dropTimer(row: Row, parts: Parts, name: string): void {
  const { timers } = row
  const set = timerOf(row, name)
  if (timers === undefined || set === undefined) return
  if (set[2] === null) parts.delete(partOf(name))
  delete timers[name]
  if (Object.keys(timers).length === 0) delete row.timers
}

export function dropTimers(row: Row, parts: Parts): void {
  for (const name of Object.keys(row.timers ?? {})) dropTimer(row, parts, name)
}

/** As the row has it; undefined when it is not set. */
export function timerOf({ timers }: Row, name: string): NonNullable<Row['timers']>[string] | undefined {
  return timers !== undefined && Object.hasOwn(timers, name) ? timers[name] : undefined
}

/** What a timer carries, as JSON; undefined when it is not set. */
export function payloadOf(row: Row, parts: Parts, name: string): string | undefined {
  const set = timerOf(row, name)
  if (set === undefined) return undefined
  if (set[2] !== null) return set[2]
  const bytes = parts.get(partOf(name))
  return bytes && utf8Text(asBuffer(bytes), 0, bytes.length)
}

/** No beginning of another, whatever stands in the name of the timer. */
const partOf = (name: string): string => `t${name.length}:${name}`
