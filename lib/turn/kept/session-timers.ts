import { sessionAt, type Session, type Sessions } from '../windows/sessions.js'
import type { Parts } from './parts.js'
import type { Row } from './row.js'
import { dropTimer, setTimer, timersOf, type TimerName, type TimerSet } from './timers.js'

/**
 * Timers of sessions stand in the row of their key with an id that says in which session they were set: where that began, and
 * behind it the id that they were given. Where a session began lies in it for ever, also when it is extended or merged.
 */
export function sessionTimer(start: number, { name, id }: TimerName): TimerName {
  return { name, id: id === undefined ? String(start) : `${start}|${id}` }
}

/** Where the session began when the timer was set. */
export function startOf({ id = '' }: TimerName): number {
  const end = id.indexOf('|')
  return Number(end < 0 ? id : id.slice(0, end))
}

/** Name and id as they were given. */
function given({ name, id = '' }: TimerName): string {
  const end = id.indexOf('|')
  return `${name.length}:${name}${end < 0 ? '' : id.slice(end)}`
}

/** Whether each timer has a session, and no session has one twice. */
export function areSettled(row: Row, sessions: Sessions): boolean {
  const places = new Set<string>()
  for (const [timer] of timersOf(row)) {
    const session = sessionAt(sessions, startOf(timer))
    const place = placeOf(sessions, session, timer)
    if (session === undefined || places.has(place)) return false
    places.add(place)
  }
  return true
}

const placeOf = (sessions: Sessions, session: Session | undefined, timer: TimerName): string =>
  `${session === undefined ? -1 : sessions.indexOf(session)} ${given(timer)}`

/** After a turn: what it has set and taken back, and what has become of its sessions. */
export function settleSessionTimers(
  row: Row,
  parts: Parts,
  sessions: Sessions,
  changes: readonly { readonly timer: TimerName; readonly set: TimerSet | undefined }[],
): void {
  for (const { timer, set } of changes) {
    // Set by an earlier turn of the session, that may have begun later then.
    const session = sessionAt(sessions, startOf(timer))
    for (const [other] of timersOf(row))
      if (given(other) === given(timer) && sessionAt(sessions, startOf(other)) === session) dropTimer(row, parts, other)
    if (set !== undefined) setTimer(row, parts, timer, set)
  }
  keepOne(row, parts, sessions)
}

/** Those of sessions that are gone go with them. Where two were merged that have the same timer, that of the later one stays. */
function keepOne(row: Row, parts: Parts, sessions: Sessions): void {
  const kept = new Map<string, TimerName>()
  for (const [timer] of timersOf(row)) {
    const session = sessionAt(sessions, startOf(timer))
    if (session === undefined) {
      dropTimer(row, parts, timer)
      continue
    }
    const place = placeOf(sessions, session, timer)
    const other = kept.get(place)
    const stays = other === undefined || startOf(other) < startOf(timer) ? timer : other
    kept.set(place, stays)
    if (other !== undefined) dropTimer(row, parts, stays === timer ? other : timer)
  }
}
