import { types } from 'node:util'
import { isBytes } from './bytes.js'
import { MillraceError, reasonOf, type ErrorFacts } from './errors.js'
import type { KeyFormat } from './key-format.js'
import type { Headers } from './record.js'
import { unitHint } from './time-unit.js'

/** The last millisecond a JavaScript Date knows; whoever gives microseconds or nanoseconds is beyond it. */
export const latestTimeMs = 8_640_000_000_000_000

/** Where the record is going, for messages: `turn.emit to prices`. Put together when there is one, where it is a function. */
export type Where = string | (() => string)

export const placeNamed = (where: Where): string => (typeof where === 'string' ? where : where())

/**
 * The key of a record that user code gives. Throws `RECORD_INVALID` for anything but null and well-formed text: half a
 * surrogate pair has no UTF-8 form, so two such keys would become one in Kafka.
 */
export function demandKey(key: unknown, where: Where, facts?: ErrorFacts): string | null {
  if (key === null || (typeof key === 'string' && key.isWellFormed())) return key
  const what = typeof key === 'string' ? 'text with half a surrogate pair, which has no UTF-8 form' : kindOf(key)
  throw invalid(where, `the key is ${what}; give a string, or null for none`, facts)
}

/** The same as the log has it, for a topic with keys of this format. */
export function demandKeyFor(
  keys: KeyFormat,
  key: unknown,
  where: Where,
  facts?: ErrorFacts,
): string | Uint8Array | null {
  const text = demandKey(key, where, facts)
  if (text === null) return null
  try {
    return keys.bytes(text)
  } catch (cause) {
    throw invalid(where, `${reasonOf(cause)}, which its keys are`, { ...facts, cause })
  }
}

/** Headers that user code gives, as bytes of their own. Throws `RECORD_INVALID` naming the header that Kafka has no form for. */
export function demandHeaders(headers: unknown, where: Where, facts?: ErrorFacts): Headers {
  const isMap = types.isMap(headers)
  if (!isMap && !isRecord(headers))
    throw invalid(where, `headers are ${namedKind(headers)}; give a plain object or a Map of names and values`, facts)
  const entries: Iterable<[unknown, unknown]> = isMap ? headers : Object.entries(headers)
  const checked = new Map<string, Uint8Array | null>()
  for (const [name, value] of entries) {
    if (typeof name !== 'string' || !name.isWellFormed())
      throw invalid(where, `a header's name is ${kindOf(name)}; give well-formed text`, facts)
    checked.set(name, headerValue(name, value, where, facts))
  }
  return checked
}

/** `{ … }`, also of another realm. What any other object holds its own properties need not show: a Date and a Set have none. */
function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function headerValue(name: string, value: unknown, where: Where, facts: ErrorFacts | undefined): Uint8Array | null {
  if (value === null) return value
  if (isBytes(value)) return Uint8Array.prototype.slice.call(value)
  if (typeof value === 'string' && value.isWellFormed()) return Buffer.from(value)
  const what = typeof value === 'string' ? 'text with half a surrogate pair' : kindOf(value)
  throw invalid(where, `header '${name}' is ${what}; give a string or bytes`, facts)
}

/**
 * The timestamp of a record that user code gives, in whole milliseconds: fractions are cut off. Throws `RECORD_INVALID`
 * for what is no number of milliseconds since 1970 that a Date can hold.
 */
export function demandTimestamp(timestamp: unknown, where: Where, facts?: ErrorFacts): number {
  if (typeof timestamp === 'number' && timestamp >= 0 && timestamp <= latestTimeMs) return Math.floor(timestamp)
  const what = typeof timestamp === 'number' ? String(timestamp) : kindOf(timestamp)
  throw invalid(
    where,
    `the timestamp is ${what}; give milliseconds since 1970, as Date.now() does.${typeof timestamp === 'number' ? unitHint(timestamp) : ''}`,
    facts,
  )
}

/** What a codec gave for a value. Throws `VALUE_INVALID` for anything but well-formed text and bytes. */
export function demandEncoded(encoded: unknown, where: Where, facts?: ErrorFacts): string | Uint8Array {
  if (typeof encoded === 'string' ? encoded.isWellFormed() : isBytes(encoded)) return encoded as string | Uint8Array
  const what = typeof encoded === 'string' ? 'text with half a surrogate pair' : kindOf(encoded)
  const message = `${placeNamed(where)}: the codec gave ${what} for the value; a codec gives a string or bytes`
  throw new MillraceError('VALUE_INVALID', message, facts)
}

/** Also promises of another realm, and what merely behaves like one (query builders do). */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Nobody waits for this promise: what it is rejected with must not end the process. */
export function forget(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => undefined)
}

/** What a refused value is, in words: `a number (3)`, `undefined`. Of a promise it is also seen to that its end ends nothing. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (isThenable(value)) {
    forget(value)
    return 'a promise'
  }
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `a ${typeof value} (${String(value)})`
  return typeof value === 'symbol' ? 'a symbol' : `a ${typeof value}`
}

/** The same, with the class of an object: `an object (Date)`. */
function namedKind(value: unknown): string {
  const kind = kindOf(value)
  if (kind !== 'an object') return kind
  const { constructor } = value as object
  return typeof constructor === 'function' && constructor.name !== '' ? `${kind} (${constructor.name})` : kind
}

function invalid(where: Where, what: string, facts: ErrorFacts | undefined): MillraceError {
  return new MillraceError('RECORD_INVALID', `${placeNamed(where)}: ${what}`, facts)
}
