import { types } from 'node:util'
import { dateType, invalid, timestampType, timeType, type Form } from './connect-schema.js'
import { demandString, safeInteger, shownValue } from './scalars.js'

const dayMs = 86_400_000
/** Of a `Date`, in either direction. */
const mostMs = 8.64e15

/** Milliseconds since 1970. */
const timestampMs = (raw: unknown): number => {
  const ms = safeInteger(raw)
  if (ms > mostMs || ms < -mostMs) throw invalid(`${ms} is farther from 1970 than a Date goes`)
  return ms
}

export const dateTimestamps: Form = {
  type: timestampType,
  write: (value) => String(msOfDate(value)),
  read: (raw) => new Date(timestampMs(raw)),
}

export const numberTimestamps: Form = {
  type: timestampType,
  write: (value) => String(timestampMs(value)),
  read: timestampMs,
}

/** ISO 8601 with a zone. It is read in UTC, with `precision` digits of a second, or 3. */
export const textTimestamps = (precision: number | null): Form => ({
  type: timestampType,
  write(value) {
    const text = demandString(value)
    const [, fraction = ''] = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.(\d+))?)?(?:Z|[+-]\d\d:?\d\d)$/.exec(text) ?? [
      undefined,
      '?',
    ]
    const ms = fraction === '?' || !isDay(text.slice(0, 10)) ? NaN : Date.parse(text)
    if (Number.isNaN(ms)) throw invalid(`${shownValue(text)} is no time with a zone, such as 2030-01-31T12:00:00Z`)
    demandMillis(fraction, text)
    return String(ms)
  },
  read: (raw) => withPrecision(new Date(timestampMs(raw)).toISOString(), precision),
})

/** Midnight in UTC. */
export const dateDays: Form = {
  type: dateType,
  write: (value) => String(daysOf(msOfDate(value), value)),
  read: (raw) => new Date(daysMs(raw)),
}

/** `2030-01-31`. */
export const textDays: Form = {
  type: dateType,
  write(value) {
    const text = demandString(value)
    if (!isDay(text)) throw invalid(`${shownValue(text)} is no day such as 2030-01-31`)
    return String(daysOf(Date.parse(text), value))
  },
  read(raw) {
    const [day = ''] = new Date(daysMs(raw)).toISOString().split('T')
    if (day.length !== 10) throw invalid(`day ${String(raw)} is not in the years 0 to 9999`)
    return day
  },
}

/** `23:59:59.999`; read with `precision` digits of a second, or 3. */
export const textTimes = (precision: number | null): Form => ({
  type: timeType,
  write(value) {
    const text = demandString(value)
    const [match, hours, minutes, seconds = '0', fraction = ''] =
      /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?$/.exec(text) ?? []
    if (match === undefined) throw invalid(`${shownValue(text)} is no time of day such as 23:59:59`)
    demandMillis(fraction, text)
    const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
    return String(whole * 1_000 + Number(fraction.slice(0, 3).padEnd(3, '0')))
  },
  read(raw) {
    const ms = safeInteger(raw)
    if (ms < 0 || ms >= dayMs) throw invalid(`${ms} is no time of day in milliseconds`)
    return withPrecision(new Date(ms).toISOString(), precision).slice(11, -1)
  },
})

function msOfDate(value: unknown): number {
  if (types.isDate(value) && !Number.isNaN(value.getTime())) return value.getTime()
  throw invalid(types.isDate(value) ? 'a Date that is none (its time is NaN)' : `${shownValue(value)} is no Date`)
}

function daysOf(ms: number, value: unknown): number {
  if (ms % dayMs === 0) return ms / dayMs
  throw invalid(`${types.isDate(value) ? value.toISOString() : ms} is no day: it must be midnight in UTC`)
}

function daysMs(raw: unknown): number {
  return timestampMs(safeInteger(raw) * dayMs)
}

function demandMillis(fraction: string, text: string): void {
  if (/^\d{0,3}0*$/.test(fraction)) return
  throw invalid(`${shownValue(text)} is finer than milliseconds, which is all that Connect has`)
}

/** Not 30 February, which `Date.parse` takes for a day in March. */
function isDay(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

/** −1: minutes. What would be lost stays, for the schema to refuse. */
function withPrecision(iso: string, precision: number | null): string {
  if (precision === null || precision === 3) return iso
  const [whole = '', fraction = ''] = iso.slice(0, -1).split('.')
  if (precision > 3) return `${whole}.${fraction.padEnd(precision, '0')}Z`
  const kept = fraction.slice(0, Math.max(precision, 0))
  if (Number(fraction.slice(kept.length)) !== 0 || (precision < 0 && !whole.endsWith(':00'))) return iso
  if (precision < 0) return `${whole.slice(0, -3)}Z`
  return precision === 0 ? `${whole}Z` : `${whole}.${kept}Z`
}
