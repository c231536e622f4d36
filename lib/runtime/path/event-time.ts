import { types } from 'node:util'
import { forget, isThenable, kindOf, latestTimeMs } from '../../core/record-checks.js'
import { unitHint } from '../../core/time-unit.js'
import { RecordRefused } from '../../core/record-refused.js'

/**
 * What a topic's `timestamp` says of a value, in whole milliseconds: fractions are cut off, as records have none. Throws
 * `RecordRefused` when it throws, or gives what is no time.
 */
export function extractedTime(extract: (value: never) => unknown, value: unknown): number {
  let given: unknown
  try {
    given = extract(value as never)
  } catch (cause) {
    throw RecordRefused.by('STEP_FAILED', 'the timestamp function of the topic', cause)
  }
  if (typeof given === 'number' && Math.abs(given) <= latestTimeMs) return Math.floor(given) + 0
  throw new RecordRefused('STEP_FAILED', `the timestamp function of the topic gave ${noTime(given)}`)
}

function noTime(given: unknown): string {
  if (isThenable(given)) {
    forget(given)
    return 'a promise: it cannot wait for anything'
  }
  if (types.isDate(given)) return 'a Date; give its getTime()'
  if (typeof given === 'string') return 'text; give milliseconds since 1970, as Date.parse() makes them of text'
  if (typeof given === 'bigint') return `${kindOf(given)}; give a number of milliseconds since 1970`
  if (typeof given === 'number' && Number.isFinite(given))
    return `${given}, which is beyond what a Date can hold; give milliseconds since 1970, not microseconds or nanoseconds.${unitHint(given)}`
  return `${kindOf(given)}; give milliseconds since 1970`
}
