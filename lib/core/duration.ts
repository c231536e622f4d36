import { MillraceError } from './errors.js'
import { kindOf } from './record-checks.js'

/** `'100ms'`, `'5s'`, `'15m'`, `'24h'`, `'30d'`; a number is milliseconds. Whole milliseconds, up to the 100 million days of a Date. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const longestMs = 100_000_000 * unitMs.d

/** What to write, for messages. */
export const durationForm =
  "a duration: whole milliseconds as a number, or text such as '100ms', '5s', '15m', '24h', '30d'"

/**
 * The duration that a text says, such as one from the environment or a file: `ttl: parseDuration(process.env.TTL ?? '30d')`.
 * Milliseconds. Throws `OPTIONS_INVALID` when it is none; `name` says in the message where the text is from.
 */
export function parseDuration(text: string, name = 'parseDuration'): number {
  // Numbers in configuration are refused, since they do not say what they count.
  if (typeof text !== 'string') throw refused(text, name)
  return durationMs(text as Duration, name)
}

/** Milliseconds of a duration. Throws `OPTIONS_INVALID` when it is none. */
export function durationMs(duration: Duration, what: string): number {
  const ms = msOf(duration)
  if (ms === undefined) throw refused(duration, what)
  return ms
}

/** Milliseconds of what may be a duration; undefined when it is none. */
export function msOf(duration: unknown): number | undefined {
  const ms = typeof duration === 'string' ? msOfText(duration) : duration
  return typeof ms === 'number' && Number.isInteger(ms) && ms >= 0 && ms <= longestMs ? ms : undefined
}

/** As it would be written: in the largest unit in which it is whole. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((each) => ms > 0 && ms % unitMs[each] === 0) ?? 'ms'
  return `${ms / unitMs[unit]}${unit}`
}

function msOfText(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,9})?)(ms|s|m|h|d)$/.exec(text)
  if (match === null) return undefined
  const ms = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  // 1.005 s comes to 1004.9999999999999 ms.
  return Math.abs(ms - Math.round(ms)) < 1e-6 ? Math.round(ms) : ms
}

function refused(duration: unknown, what: string): MillraceError {
  const shown = typeof duration === 'string' ? `'${duration.slice(0, 40)}'` : kindOf(duration)
  return new MillraceError('OPTIONS_INVALID', `${what}: ${shown} is not a duration. Give ${durationForm}.`)
}
