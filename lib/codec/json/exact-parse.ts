import { stepTo } from '../zod-def.js'

const [zero, nine, minus] = [48, 57, 45]
const isDigit = (code: number | undefined): boolean => code !== undefined && code >= zero && code <= nine

/** Digits of the least whole number that may be none a double has: 2^53. */
const manyDigits = 16

/**
 * Whether JSON may have whole numbers of 16 digits or more: then `exactParse` tells. Every 16th byte is looked at, since so
 * many digits cover one of them, and from there every 4th, of which they cover four: 30 ns for 90 bytes with a timestamp, of
 * 770 for text, `JSON.parse` and a schema; a regular expression takes 330 (Node 20). Digits behind a quote or a point are not
 * meant.
 */
export function mayHaveLargeIntegers(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start + manyDigits - 1; at < end; at += manyDigits) {
    if (!isDigit(bytes[at])) continue
    let fourths = 1
    for (let i = at - 4; i >= at - 12 && isDigit(bytes[i]); i -= 4) fourths++
    for (let i = at + 4; i <= at + 12 && isDigit(bytes[i]); i += 4) fourths++
    if (fourths >= 4 && isLargeInteger(bytes, start, at, end)) return true
  }
  return false
}

function isLargeInteger(bytes: Buffer, start: number, at: number, end: number): boolean {
  let first = at
  let behind = at + 1
  while (behind < end && isDigit(bytes[behind])) behind++
  while (first > start && isDigit(bytes[first - 1])) first--
  if (behind - first < manyDigits) return false
  if (first > start && bytes[first - 1] === minus) first--
  return first === start || beforeNumbers.has(bytes[first - 1] as number)
}

/** What stands before a number in JSON. */
const beforeNumbers: ReadonlySet<number> = new Set(Buffer.from(':,[ \n\r\t'))

/** The same of text, where time is of no matter. */
export function mayHaveLargeIntegersText(text: string): boolean {
  return /\d{16}/.test(text)
}

/** Whether it may have numbers that no double can hold, such as 1e400: only where a schema lets Infinity pass it matters. */
export function mayOverflow(text: string): boolean {
  return /\d[eE]\+?\d{3}/.test(text)
}

/** What to do with the literal of a whole number that is not safe, or of one that is too large to be a number at all. */
export type OnLarge = (literal: string, path: string) => unknown

/**
 * The value of a text that `JSON.parse` has read: the same, but for whole numbers beyond ±(2^53 − 1), of which `onLarge` says
 * what they are. About five times slower than `JSON.parse`. Numbers with an exponent or a fraction are floats, and stay so.
 */
export function exactParse(text: string, onLarge: OnLarge): unknown {
  let at = 0
  let path = ''

  function blanks(): void {
    while (' \n\r\t'.includes(text.charAt(at)) && at < text.length) at++
  }

  /** Behind a character of punctuation and what blanks follow. */
  function past(): void {
    at++
    blanks()
  }

  function value(): unknown {
    switch (text.charAt(at)) {
      case '{':
        return object()
      case '[':
        return array()
      case '"':
        return string()
      case 't':
        at += 4
        return true
      case 'f':
        at += 5
        return false
      case 'n':
        at += 4
        return null
      default:
        return number()
    }
  }

  function within<T>(step: string, read: () => T): T {
    const outer = path
    path += step
    const part = read()
    path = outer
    blanks()
    return part
  }

  function object(): object {
    const fields: Record<string, unknown> = {}
    past()
    while (text.charAt(at) !== '}') {
      const name = string()
      blanks()
      past()
      const field = within(stepTo(name), value)
      // As JSON.parse does it: a field, not the prototype.
      if (name === '__proto__') Object.defineProperty(fields, name, { value: field, ...ordinary })
      else fields[name] = field
      if (text.charAt(at) === ',') past()
    }
    at++
    return fields
  }

  function array(): unknown[] {
    const items: unknown[] = []
    past()
    while (text.charAt(at) !== ']') {
      items.push(within(`[${items.length}]`, value))
      if (text.charAt(at) === ',') past()
    }
    at++
    return items
  }

  function string(): string {
    let end = at + 1
    while (text.charAt(end) !== '"') end += text.charAt(end) === '\\' ? 2 : 1
    const literal = text.slice(at, end + 1)
    at = end + 1
    return JSON.parse(literal) as string
  }

  function number(): unknown {
    const start = at
    while (at < text.length && !',]} \n\r\t'.includes(text.charAt(at))) at++
    const literal = text.slice(start, at)
    const number = Number(literal)
    const isWhole = /^-?\d+(\.0*)?$/.test(literal)
    return Number.isFinite(number) && (!isWhole || Number.isSafeInteger(number)) ? number : onLarge(literal, path)
  }

  blanks()
  return value()
}

const ordinary = { writable: true, enumerable: true, configurable: true }
