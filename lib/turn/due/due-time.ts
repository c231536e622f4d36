import { types } from 'node:util'
import { durationMs, type Duration } from '../../core/duration.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { kindOf, latestTimeMs } from '../../core/record-checks.js'

/**
 * When a timer is due that is set to so long after `from`, or to a date: in whole milliseconds, rounded up, since it must
 * not be early. Throws `VALUE_INVALID` naming the timer.
 */
export function dueTime(timer: string, when: Duration | Date, from: number, key: string): number {
  const where = `turn.timer('${timer}')`
  const dueMs = Math.ceil(types.isDate(when) ? when.getTime() : from + lengthOf(when, where, key)) + 0
  if (Math.abs(dueMs) <= latestTimeMs) return dueMs
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
