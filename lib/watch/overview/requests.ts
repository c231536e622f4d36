import { MillraceError } from '../../core/errors.js'
import { checkOptions, type Rules } from '../../core/options.js'
import type { Call } from '../../http/route.js'

/** The query of a request as options, checked. Throws `REQUEST_INVALID`. */
export function queryOf<O>(where: string, { query }: Call, rules: Rules<O>): O {
  const given = Object.fromEntries(query)
  return checked(where, given, rules)
}

/** Its body, checked. Rejects with `REQUEST_INVALID`. */
export async function bodyOf<O>(where: string, call: Call, rules: Rules<O>): Promise<O> {
  return checked(where, await call.json(), rules)
}

export function checked<O>(where: string, given: unknown, rules: Rules<O>): O {
  try {
    checkOptions(where, given, rules)
  } catch (cause) {
    throw requestInvalid(MillraceError.is(cause) ? cause.message : where)
  }
  return given as O
}

export const requestInvalid = (what: string): MillraceError => new MillraceError('REQUEST_INVALID', what)

/** A whole number of a query. Throws `REQUEST_INVALID`. */
export function numberIn(name: string, text: string | undefined, byDefault: number, most: number): number {
  if (text === undefined || text === '') return byDefault
  if (/^\d{1,16}$/.test(text) && Number(text) <= most) return Number(text)
  throw requestInvalid(`${name}: '${text.slice(0, 40)}' is no whole number from 0 to ${most}`)
}
