import { cutText, reasonOf } from './errors.js'

/** An error as it is logged: the shape in which pino writes errors with their causes. */
export interface ErrorFields {
  /** Name of its class. */
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly cause?: ErrorFields
  /** Of an `AggregateError`. */
  readonly aggregateErrors?: readonly ErrorFields[]
  /** `code`, and what else it has that is a number, a text or the like. */
  readonly [fact: string]: unknown
}

/** Errors in all that are written of one: itself, its causes, and what each stands for. */
const mostErrors = 10
const mostAggregated = 5
const mostFacts = 16
const longestFact = 500
const longestName = 100
const longestMessage = 4_096
/** What a frame begins with. */
const frame = '\n    at '
/** Of the frames; what is above them is the message. */
const longestStack = 4_096

/**
 * All that there is to say of anything thrown, bounded in size, as plain data. Never throws, whatever its properties do when
 * they are looked at.
 */
export function errorFields(error: unknown): ErrorFields {
  return new Description().of(error)
}

/**
 * The stack of an error with those of its causes, as text of at most `most` characters, of which each has its share; undefined of
 * what has none. Never throws.
 */
export function stackWithCauses(error: unknown, most: number): string | undefined {
  const stacks: string[] = []
  const add = ({ stack, aggregateErrors = [], cause }: ErrorFields): void => {
    if (stack !== '') stacks.push(stack)
    aggregateErrors.forEach(add)
    if (cause !== undefined) add(cause)
  }
  add(errorFields(error))
  if (stacks.length === 0) return undefined
  const share = Math.floor(most / stacks.length) - between.length
  return stacks.map((stack) => shortened(stack, share)).join(between)
}

const between = '\ncaused by: '

/** With the beginning of the message, and as many whole frames as there is room for. */
function shortened(stack: string, most: number): string {
  if (stack.length <= most) return stack
  const at = stack.indexOf(frame)
  const head =
    at < 0 || at > most / 2 ? `${stack.slice(0, at < 0 ? most - 1 : most / 2).toWellFormed()}…` : stack.slice(0, at)
  const frames = at < 0 ? '' : stack.slice(at, at + most - head.length)
  return head + frames.slice(0, Math.max(0, frames.lastIndexOf(frame)))
}

type Fields = { -readonly [name in keyof ErrorFields]: ErrorFields[name] }

class Description {
  /** Errors can hold each other. */
  readonly #seen = new Set<unknown>()

  of(error: unknown): ErrorFields {
    this.#seen.add(error)
    if (typeof error !== 'object' || error === null) return named(typeof error, reasonOf(error), '', {})
    const type = typeOf(error)
    const fields = named(type, messageOf(error), stackOf(error), factsOf(error, type))
    const errors = read(error, 'errors')
    if (isList(errors)) this.#aggregate(fields, errors)
    const cause = read(error, 'cause')
    if (cause !== undefined && cause !== null && this.#mayAdd(cause)) fields.cause = this.of(cause)
    return fields
  }

  #aggregate(fields: Fields, errors: readonly unknown[]): void {
    const inner: ErrorFields[] = []
    for (let i = 0; i < mostAggregated; i++) {
      const each = read(errors, i)
      if (typeof each === 'object' && each !== null && this.#mayAdd(each)) inner.push(this.of(each))
    }
    if (inner.length > 0) fields.aggregateErrors = inner
  }

  #mayAdd(error: unknown): boolean {
    return this.#seen.size < mostErrors && !this.#seen.has(error)
  }
}

/**
 * Serializers of loggers take the type from the class. Theirs are run on what already is plain data, and must find there what
 * they would have found in the error.
 */
function named(type: string, message: string, stack: string, facts: Readonly<Record<string, unknown>>): Fields {
  const fields = { type, message, stack, ...facts }
  const constructor = { [type]: (): void => undefined }[type]
  return Object.defineProperty(fields, 'constructor', { value: constructor })
}

function typeOf(error: object): string {
  const type = read(read(error, 'constructor'), 'name')
  const known = typeof type === 'string' && type !== '' ? type : read(error, 'name')
  return typeof known === 'string' && known !== '' ? cutText(known, longestName) : 'Object'
}

/** Of an object that is no error: whatever it has for a text. */
function messageOf(error: object): string {
  const message = read(error, 'message')
  return typeof message === 'string' ? cutText(message, longestMessage) : reasonOf(error)
}

/** What is above the frames repeats the message, which can be long. */
function stackOf(error: object): string {
  const stack = read(error, 'stack')
  if (typeof stack !== 'string') return ''
  const at = stack.indexOf(frame)
  if (at < 0) return cutText(stack, longestMessage)
  return cutText(stack.slice(0, at), longestMessage) + cutText(stack.slice(at), longestStack)
}

/** Written elsewhere, or not to be taken from a stranger. */
const reserved = new Set(['type', 'message', 'stack', 'cause', 'errors', 'aggregateErrors', 'constructor', '__proto__'])

function factsOf(error: object, type: string): Readonly<Record<string, unknown>> {
  const facts: Record<string, unknown> = {}
  let names: readonly string[] = []
  try {
    names = Object.keys(error)
  } catch {
    // A proxy may refuse.
  }
  let room = mostFacts
  for (const name of names) {
    if (room === 0) break
    if (reserved.has(name) || name.length > longestName) continue
    const fact = factIn(read(error, name))
    if (fact === undefined || (name === 'name' && fact === type)) continue
    facts[name] = fact
    room--
  }
  // Errors of Node have it as a property that is listed; those of others need not.
  const code = factIn(read(error, 'code'))
  if (code !== undefined) facts.code = code
  return facts
}

/** Undefined for what is not written: objects may be anything, whole connections too. */
function factIn(value: unknown): unknown {
  if (typeof value === 'string') return cutText(value, longestFact)
  if (typeof value === 'bigint') return cutText(String(value), longestFact)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  return numbersIn(value)
}

/** As of which records of a batch were refused. */
function numbersIn(value: unknown): readonly number[] | undefined {
  try {
    if (!Array.isArray(value) || value.length > mostFacts) return undefined
    const numbers: readonly unknown[] = [...value]
    return numbers.every((each) => typeof each === 'number') ? numbers : undefined
  } catch {
    return undefined
  }
}

function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** Undefined when it throws. */
function read(from: unknown, name: string | number): unknown {
  try {
    return (from as Record<string | number, unknown> | undefined)?.[name]
  } catch {
    return undefined
  }
}
