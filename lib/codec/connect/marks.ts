import { globalRegistry, type core } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { shown } from '../../core/options.js'
import { asZod } from '../zod-def.js'
import { noForm, type Form } from './connect-schema.js'
import { decimals } from './decimals.js'
import { dateDays, dateTimestamps, numberTimestamps, textDays, textTimes, textTimestamps } from './times.js'

/**
 * What a place in a schema of zod is to Connect, where its own type says less: `z.iso.date().meta({ connect: 'date' })`.
 * `timestamp`: of `z.date()`, whole numbers (milliseconds since 1970) and `z.iso.datetime()`; `date`: of `z.date()` (midnight in UTC)
 * and `z.iso.date()`; `time`: of `z.iso.time()`; `json`: text that holds JSON, of anything that JSON has a form for;
 * decimals: of text such as `12.34`, and of bigints, which are in units of the last place.
 */
export type ConnectMark = 'timestamp' | 'date' | 'time' | 'json' | ConnectDecimal

export interface ConnectDecimal {
  /** Digits behind the point. */
  readonly decimal: number
  /** Digits in all, of which no value may have more. @default 38 */
  readonly precision?: number
}

/** The mark of a schema. Throws `DEFINITION_INVALID` for one that there is not. */
export function markOf(schema: core.$ZodType, path: string): ConnectMark | undefined {
  const mark = globalRegistry.get(schema)?.['connect']
  if (mark === undefined || mark === 'timestamp' || mark === 'date' || mark === 'time' || mark === 'json') return mark
  if (isDecimal(mark)) return mark
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${path}: .meta({ connect: … }) is ${shown(mark)}; give 'timestamp', 'date', 'time', 'json', or { decimal: 2 } with the digits behind the point (0 to 38, and precision at least as many, up to 1000)`,
  )
}

function isDecimal(mark: unknown): mark is ConnectDecimal {
  if (typeof mark !== 'object' || mark === null) return false
  const { decimal, precision = 38, ...more } = mark as Partial<ConnectDecimal>
  const isScale = Number.isInteger(decimal) && (decimal as number) >= 0 && (decimal as number) <= 38
  const isPrecision = Number.isInteger(precision) && precision >= 1 && precision <= 1_000
  return isScale && isPrecision && (decimal as number) <= precision && Object.keys(more).length === 0
}

/** The form of what is marked. Throws `DEFINITION_INVALID` where the mark does not fit the type. */
export function markedForm(mark: Exclude<ConnectMark, 'json'>, schema: core.$ZodType, path: string): Form {
  const { type, precision } = (asZod(schema as never)?._zod.def ?? {}) as { type?: string; precision?: number | null }
  const isText = type === 'string' || type === 'template_literal'
  if (typeof mark === 'object') {
    if (isText) return decimals(mark.decimal, mark.precision ?? 38, 'text')
    if (type === 'bigint') return decimals(mark.decimal, mark.precision ?? 38, 'bigint')
    throw noForm(path, `a decimal of zod '${type}'`, 'use z.string(), which has 12.34, or z.bigint(), which has 1234n')
  }
  const form = { timestamp: timestampOf, date: dateOf, time: timeOf }[mark](type, isText, precision ?? null)
  if (form !== undefined) return form
  throw noForm(path, `a ${mark} of zod '${type}'`, `use ${fitting[mark]}`)
}

const fitting = {
  timestamp: 'z.date(), z.int() for milliseconds since 1970, or z.iso.datetime()',
  date: 'z.date() or z.iso.date()',
  time: 'z.iso.time()',
}

type FormOf = (type: string | undefined, isText: boolean, precision: number | null) => Form | undefined

const timestampOf: FormOf = (type, isText, precision) => {
  if (type === 'date') return dateTimestamps
  if (type === 'number') return numberTimestamps
  return isText ? textTimestamps(precision) : undefined
}
const dateOf: FormOf = (type, isText) => (type === 'date' ? dateDays : isText ? textDays : undefined)
const timeOf: FormOf = (_type, isText, precision) => (isText ? textTimes(precision) : undefined)
