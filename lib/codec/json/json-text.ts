import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { difference } from '../difference.js'
import { checkedText } from '../utf8.js'
import { exactText } from './exact-text.js'
import { exact, jsonForm, made, none, plain } from './json-form.js'
import { whyFormless } from './why-formless.js'

/** What is thrown of a value that is given out, or of a state. */
export type FormCode = 'VALUE_INVALID' | 'STATE_INVALID'

/**
 * The form that JSON has for a value, as `jsonForm` says. Throws `code` with a sentence on the part that JSON has none for:
 * bigints, NaN, functions, promises, maps, bytes, undefined in an array, circles.
 */
export function demandForm(value: unknown, bigints: boolean, code: FormCode): number {
  let form: number
  try {
    form = jsonForm(value, bigints)
  } catch {
    form = none
  }
  if (form === none) throw whyFormless(value, bigints, code)
  return form
}

/** JSON of a value; `form` is what `demandForm` said of it. */
export function inForm(value: unknown, form: number, code: FormCode): string {
  try {
    return (form & exact) === 0 ? JSON.stringify(value) : exactText(value)
  } catch (cause) {
    throw new MillraceError(code, `the value has no JSON form (${reasonOf(cause)})`, { cause })
  }
}

/** JSON text of a value. Throws `VALUE_INVALID` as `demandForm` does. */
export function jsonText(value: unknown): string {
  return inForm(value, demandForm(value, false, 'VALUE_INVALID'), 'VALUE_INVALID')
}

/** The same, and throws for what would come back as something else: instances of classes, dates among them. */
export function plainJsonText(value: unknown): string {
  const form = demandForm(value, false, 'VALUE_INVALID')
  const text = inForm(value, form, 'VALUE_INVALID')
  const different = form === plain ? undefined : difference(value, JSON.parse(text))
  if (different === undefined) return text
  throw new MillraceError('VALUE_INVALID', different)
}

export const isMade = (form: number): boolean => (form & made) !== 0

export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('VALUE_INVALID', `not JSON (${reasonOf(cause)})`, { cause })
  }
}

export const textIn = (bytes: Uint8Array): string => checkedText(asBuffer(bytes), 0, bytes.length)
