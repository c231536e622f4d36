import { InvalidArgumentError } from 'commander'
import { systemClock } from '../../core/clock.js'
import { msOf } from '../../core/duration.js'

const isoTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** A point in time, in milliseconds since the epoch, for options: ISO 8601. A date alone is its midnight in UTC; a time without zone is local. */
export function timeOf(text: string): number {
  const ms = isoTime.test(text) ? Date.parse(text) : NaN
  if (Number.isFinite(ms)) return ms
  throw new InvalidArgumentError('Give a date and time, such as 2026-01-31T12:00:00Z.')
}

/** The same, or how long ago: `2h`. */
export function timeOrAgoOf(text: string): number {
  const ago = /^\d/.test(text) && !isoTime.test(text) ? msOf(text) : undefined
  return ago === undefined ? timeOf(text) : systemClock.now() - ago
}

export const isoText = (ms: number | undefined): string | undefined =>
  ms === undefined || !Number.isFinite(new Date(ms).getTime()) ? undefined : new Date(ms).toISOString()
