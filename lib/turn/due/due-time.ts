import { types } from 'node:util'
import type { Clock } from '../../core/clock.js'
import { durationMs, type Duration } from '../../core/duration.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { kindOf, latestTimeMs } from '../../core/record-checks.js'
import type { TimerTime } from '../../model/kind.js'
import type { TurnSource } from '../kept/turn-source.js'
import type { Agenda } from './agenda.js'

/** The turn in which a timer is set. */
interface Setter {
  readonly source: TurnSource
  readonly agenda: Agenda
  readonly now: number
}

/** From when a timer is set. */
export interface TimeBase {
  readonly from: number
  /** It must not be due before. */
  readonly earliest: number
}

/**
 * Durations count from the turn's own time, and where the timer goes by the other time, from what that is now. In the turn of
 * a timer nothing can be set that is due already: a timer that sets itself for at once would leave no time for others.
 */
export function timeBase(time: TimerTime, { source, agenda, now }: Setter, clock: Clock): TimeBase {
  const present = time === 'processing' ? clock.now() : agenda.streamTime(source.kindIndex)
  const isOwn = time === 'processing' ? source.dueBy === 'processing' : source.dueBy !== 'processing'
  const from = isOwn || present === -Infinity ? now : present
  return {
    from,
    earliest: source.dueBy === undefined ? -Infinity : Math.max(from + 1, Math.min(present, latestTimeMs)),
  }
}

/**
 * When a timer is due that is set to so long after that, or to a date: in whole milliseconds, rounded up, since it must not be
 * early. Throws `VALUE_INVALID` naming the timer.
 */
export function dueTime(timer: string, when: Duration | Date, { from, earliest }: TimeBase, key: string): number {
  const where = `turn.timer('${timer}')`
  const dueMs = Math.ceil(types.isDate(when) ? when.getTime() : from + lengthOf(when, where, key)) + 0
  if (Math.abs(dueMs) <= latestTimeMs) return dueMs > from ? dueMs : Math.max(dueMs, earliest)
  const what = types.isDate(when)
    ? 'the date is not valid'
    : 'that is beyond the last time a Date can hold, in the year 275760'
  throw new MillraceError('VALUE_INVALID', `${where}: ${what}`, { key })
}

/** A number may be the outcome of a calculation, and have a fraction. */
function lengthOf(when: unknown, where: string, key: string): number {
  if (typeof when === 'number' && when >= 0) return when
  if (typeof when !== 'number' && typeof when !== 'string') {
    const what = `${where}: when it is due is ${kindOf(when)}; give a duration such as '5s', or a Date`
    throw new MillraceError('VALUE_INVALID', what, { key })
  }
  try {
    return durationMs(when as Duration, where)
  } catch (cause) {
    throw new MillraceError('VALUE_INVALID', reasonOf(cause), { key, cause })
  }
}
