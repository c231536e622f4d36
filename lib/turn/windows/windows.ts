import type { KindDefinition } from '../../model/kind.js'
import type { WindowBounds } from '../../model/turn.js'
import { migrated } from '../../model/migrate.js'
import { dayMs, type FixedWindow } from '../../model/window.js'
import { dueKey } from '../../state/due.js'
import { withoutVersion } from '../../state/state-version.js'
import type { Survival } from '../../state/survival.js'
import type { StateKind, StateLimit } from '../../state/table.js'
import { LocalDays } from './local-days.js'
import { endsOfSessions, sessionsCodec, type Sessions } from './sessions.js'

/** How many windows a time is in. */
export const windowCount = ({ sizeMs, everyMs }: FixedWindow): number => sizeMs / everyMs

/** One of the windows that a time is in, `index` counting from the earliest: so none is made before it is needed. */
export function windowAt(time: number, window: FixedWindow, index: number): WindowBounds {
  if (window.zone !== undefined) return localDays(window, window.zone).at(time)
  const { sizeMs, everyMs } = window
  // Not by a quotient: near the ends of time it would be rounded to the next whole number.
  const sinceLast = ((time % everyMs) + everyMs) % everyMs
  const start = time - sinceLast - (windowCount(window) - 1 - index) * everyMs
  return { start, end: start + sizeMs }
}

const calendars = new WeakMap<FixedWindow, LocalDays>()

function localDays(window: FixedWindow, zone: string): LocalDays {
  let days = calendars.get(window)
  if (days === undefined) calendars.set(window, (days = new LocalDays(zone, window.sizeMs / dayMs)))
  return days
}

/** An object of a windowed kind has its key and its window for a key: `AAPL|1767225600000|1767225660000`. */
export const windowKey = (key: string, { start, end }: WindowBounds): string => `${key}|${start}|${end}`

export function parseWindowKey(windowed: string): { readonly key: string; readonly window: WindowBounds } {
  const endAt = windowed.lastIndexOf('|')
  const startAt = windowed.lastIndexOf('|', endAt - 1)
  return {
    key: windowed.slice(0, startAt),
    window: { start: Number(windowed.slice(startAt + 1, endAt)), end: Number(windowed.slice(endAt + 1)) },
  }
}

/** Of a kind that had no windows, or other ones, objects have other keys, and records may still wait for them. */
export const hasWindow = (windowed: string): boolean => /\|-?\d+\|-?\d+$/.test(windowed)

/** Whether each window is an object of its own. */
export const hasFixedWindows = ({ window }: KindDefinition): boolean =>
  window !== undefined && window.kind !== 'session'

/** A kind as the state tables know it. */
export function stateKindOf(kind: KindDefinition, limit: StateLimit, survival: Survival): StateKind {
  const { name, codec, check, version, window } = kind
  // What is not checked need not fit its schema, so it may well come back as something else, or not at all.
  const readAgain = check === undefined ? {} : { survival }
  const migrate = (key: string, raw: unknown, from: number): unknown => migrated(kind, key, raw, from)
  if (window === undefined) return { name, codec, version, migrate, check, limit, ...readAgain }
  const { graceMs } = window
  const listed = (key: string, end: number): string => dueKey('event', { dueMs: end + graceMs, kind: name, key })
  if (window.kind === 'session') {
    return {
      name,
      codec: sessionsCodec(codec),
      version,
      migrate: (key, sessions, from) =>
        (sessions as Sessions).map((session) => ({ ...session, state: migrate(key, session.state, from) })),
      check: check && ((sessions) => (sessions as Sessions).forEach(({ state }) => check(state))),
      limit,
      ...readAgain,
      dues: (key, stored) => endsOfSessions(withoutVersion(stored)).map((end) => listed(key, end)),
      eventDue: (_key, sessions) =>
        (sessions as Sessions).reduce((first, { end }) => Math.min(first, end), Infinity) + graceMs,
    }
  }
  // What has none is never closed, and keeps nothing else from it.
  const endOf = (key: string): number => (hasWindow(key) ? parseWindowKey(key).window.end : Infinity)
  return {
    name,
    codec,
    version,
    migrate,
    check,
    limit,
    ...readAgain,
    dues: (key) => [listed(key, endOf(key))],
    eventDue: (key) => endOf(key) + graceMs,
  }
}
