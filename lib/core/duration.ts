import { MillraceError } from './errors.js'

/** `'100ms'`, `'5s'`, `'15m'`, `'24h'`, `'30d'`; a number is milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of a duration. Throws `OPTIONS_INVALID` when it is none, or negative. */
export function durationMs(duration: Duration, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration))
  const ms =
    typeof duration === 'number' ? duration : match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : NaN
  if (Number.isFinite(ms) && ms >= 0) return ms
  throw new MillraceError(
    'OPTIONS_INVALID',
    `${what}: '${duration}' is not a duration. Write milliseconds as a number, or '100ms', '5s', '15m', '24h', '30d'.`,
  )
}
