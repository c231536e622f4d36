import type { Codec } from '../../codec/codec.js'
import { storedCodec } from '../../codec/stored.js'
import { forget, isThenable } from '../../core/record-checks.js'
import type { KindDefinition } from '../../model/kind.js'
import { initializer } from '../../model/initial-state.js'
import type { WindowBounds } from '../../model/turn.js'
import type { SessionWindow } from '../../model/window.js'
import { deleted, enter } from './turn-parts.js'

export type TurnHandler = (state: never, value: never, turn: never) => unknown

/** What has to do with sessions in a turn. */
interface SessionTurn {
  readonly key: string
  readonly now: number
  readonly streamTime: number
  readonly isNew: boolean
  /** In the turn of a timer: where its session began when it was set. */
  readonly timerStart: number
  [deleted]: boolean
  [enter](window: WindowBounds, isNew: boolean): void
}

/** One burst of activity of an object: `end` is a gap after its last record. Milliseconds. */
export interface Session {
  start: number
  end: number
  state: unknown
}

/** The open sessions of a key make one object, earliest first: to find and to merge them none has to be looked for. */
export type Sessions = Session[]

/**
 * Runs a handler on the session that the turn's time belongs to, which is opened, extended or merged first. Those that are over
 * and have not had their last turn yet are left alone: what becomes of a record must not depend on when they have it.
 */
export function inSession(kind: KindDefinition, window: SessionWindow, handler: TurnHandler): TurnHandler {
  const init = initializer(kind)
  const merge = window.merge as (earlier: unknown, later: unknown) => unknown
  const run = (sessions: Sessions, value: never, turn: SessionTurn): unknown => {
    const { now } = turn
    const met = sessions.filter(
      (session) => touches(session, now, window.gapMs) && !isOver(session, window, turn.streamTime),
    )
    const joined: Session = met[0] ?? { start: now, end: now, state: init(turn.key) }
    for (const later of met.slice(1)) {
      joined.state = merged(merge(joined.state, later.state)) ?? joined.state
      joined.end = Math.max(joined.end, later.end)
    }
    joined.start = Math.min(joined.start, now)
    joined.end = Math.max(joined.end, now + window.gapMs)
    const others = sessions.filter((session) => !met.includes(session))
    sessions.splice(0, Infinity, ...[...others, joined].sort((a, b) => a.start - b.start))
    turn[enter]({ start: joined.start, end: joined.end }, met.length === 0)
    return afterwards(handler(joined.state as never, value, turn as never), () => {
      if (turn[deleted]) remove(sessions, joined, turn)
    })
  }
  return run as TurnHandler
}

/** Gives each session that is over its last turn, and removes it. */
export function closingSessions(window: SessionWindow, close: (state: never, turn: never) => unknown): TurnHandler {
  const run = (sessions: Sessions, _value: never, turn: SessionTurn): unknown => {
    const { now } = turn
    const closeFirst = (): unknown => {
      const over = sessions.find((session) => isOver(session, window, now))
      if (over === undefined) return undefined
      turn[enter]({ start: over.start, end: over.end }, turn.isNew)
      const closed = afterwards(close(over.state as never, turn as never), () => remove(sessions, over, turn))
      return isThenable(closed) ? closed.then(() => closeFirst()) : closeFirst()
    }
    return closeFirst()
  }
  return run as TurnHandler
}

/** Runs the handler of a timer on the session that it was set in. */
export function onSessionTimer(handler: TurnHandler): TurnHandler {
  const run = (sessions: Sessions, payload: never, turn: SessionTurn): unknown => {
    const session = sessionAt(sessions, turn.timerStart)
    if (session === undefined) return undefined
    turn[enter]({ start: session.start, end: session.end }, false)
    return afterwards(handler(session.state as never, payload, turn as never), () => {
      if (turn[deleted]) remove(sessions, session, turn)
    })
  }
  return run as TurnHandler
}

/** The session that holds this time; the last one, where one that is over and not yet closed does too. */
export function sessionAt(sessions: Sessions, at: number): Session | undefined {
  return sessions.findLast(({ start, end }) => start <= at && at < end)
}

/** Whether no open session takes a record of this time, and a new one would be over. */
export function isLate(sessions: Sessions | undefined, at: number, window: SessionWindow, streamTime: number): boolean {
  if (at + window.gapMs + window.graceMs > streamTime) return false
  const takes = (session: Session): boolean =>
    touches(session, at, window.gapMs) && !isOver(session, window, streamTime)
  return sessions?.some(takes) !== true
}

/** Sessions as they are stored: a list of start, end and what the state's codec makes of the state, bytes in base64. */
export function sessionsCodec(codec: Codec<unknown>): Codec<unknown> {
  const stored = storedCodec(codec)
  const encode = (sessions: unknown): string =>
    JSON.stringify((sessions as Sessions).map(({ start, end, state }) => [start, end, stored.encode(state)]))
  const read = (text: string, decoded: (state: string) => unknown): Sessions =>
    listed(text).map(([start, end, state]) => ({ start, end, state: decoded(state) }))
  const decode = (text: string): Sessions => read(text, (state) => stored.decode(state))
  const { raw } = stored
  return {
    format: `sessions of ${codec.format}`,
    encode,
    decode: (bytes) => decode(Buffer.from(bytes).toString('utf8')),
    decodeText: decode,
    ...(raw && { decodeRaw: (bytes) => read(Buffer.from(bytes).toString('utf8'), raw) }),
  }
}

/** The state of one session, by key and window; undefined when it is not open. */
export function sessionOf(sessions: Sessions | undefined, windowed: string): unknown {
  return sessions?.find(({ start, end }) => windowed.endsWith(`|${start}|${end}`))?.state
}

/** When they are over, without reading their states. */
export function endsOfSessions(stored: string): readonly number[] {
  return listed(stored).map(([, end]) => end)
}

function listed(text: string): readonly [start: number, end: number, state: string][] {
  return JSON.parse(text) as [number, number, string][]
}

/** What `merge` gave. */
function merged(state: unknown): unknown {
  if (!isThenable(state)) return state
  forget(state)
  throw new TypeError(
    'merge gave a promise; sessions are merged before the turn begins, so it cannot wait for anything',
  )
}

function isOver({ end }: Session, { graceMs }: SessionWindow, streamTime: number): boolean {
  return end + graceMs <= streamTime
}

/** A record exactly the gap after the last one does not: a session is `[start, end)`. */
function touches({ start, end }: Session, at: number, gapMs: number): boolean {
  return start < at + gapMs && at < end
}

function remove(sessions: Sessions, session: Session, turn: SessionTurn): void {
  sessions.splice(sessions.indexOf(session), 1)
  turn[deleted] = sessions.length === 0
}

/** Does something when a handler has ended, also when that is later. */
function afterwards(returned: unknown, then: () => void): unknown {
  if (isThenable(returned)) {
    return returned.then((value: unknown) => {
      then()
      return value
    })
  }
  then()
  return returned
}
