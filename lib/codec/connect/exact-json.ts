import { MillraceError, reasonOf } from '../../core/errors.js'
import { exactParse, mayHaveLargeIntegersText, mayOverflow } from '../json/exact-parse.js'
import { parse } from '../json/json-text.js'
import { invalid } from './connect-schema.js'

/** What a text says, with whole numbers beyond 2^53 as bigints. Throws `VALUE_INVALID`. */
export function exactJson(text: string): unknown {
  const value = parse(text)
  if (!mayHaveLargeIntegersText(text) && !mayOverflow(text)) return value
  try {
    return exactParse(text, large)
  } catch (cause) {
    throw MillraceError.is(cause) ? cause : invalid(`it is nested too deeply (${reasonOf(cause)})`)
  }
}

/** The most digits that a double has before its point. */
const mostDigits = 309

function large(literal: string): bigint | number {
  const whole = /^(-?\d+)(\.0*)?$/.exec(literal)?.[1]
  if (whole !== undefined && whole.length <= mostDigits + 1) return BigInt(whole)
  const number = Number(literal)
  if (Number.isFinite(number)) return number
  throw invalid(`${literal.slice(0, 40)} is too large for a number`)
}
