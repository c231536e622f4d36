import { types } from 'node:util'

/** Every code a `MillraceError` can carry. `docs/errors.md` has an entry for each; a test keeps the two equal. */
export const errorCodes = [
  'OPTIONS_INVALID',
  'DEFINITION_INVALID',
  'TOPIC_MISSING',
  'TOPIC_MISMATCH',
  'VALUE_INVALID',
  'EXTRACTOR_FAILED',
  'STEP_FAILED',
  'HANDLER_FAILED',
  'PUBLISH_FAILED',
  'STATE_INVALID',
  'STATE_LEAKED',
  'STATE_UNREADABLE',
  'STATE_NEWER',
  'TURN_ENDED',
  'TURN_TIMEOUT',
  'TURN_CUT_OFF',
  'QUARANTINED',
  'RECORD_LATE',
  'RECORD_AHEAD',
  'TIME_INVALID',
  'SINK_REFUSED',
  'CONNECTOR_INVALID',
  'NOT_DETERMINISTIC',
  'TEST_STUCK',
  'RECORD_INVALID',
  'RECORD_TOO_LARGE',
  'RECORDS_REFUSED',
  'ROUTE_MISMATCH',
  'BATCH_CORRUPT',
  'COMPRESSION_UNAVAILABLE',
  'PACKAGE_MISSING',
  'OFFSET_OUT_OF_RANGE',
  'INBOX_TRIMMED',
  'OFFSETS_LOST',
  'GROUP_MISMATCH',
  'GENERATION_STALE',
  'MEMBER_UNKNOWN',
  'FENCED',
  'COMMIT_ABORTED',
  'OUTCOME_UNKNOWN',
  'BROKER_REFUSED',
  'NOT_AUTHORIZED',
  'CLIENT_UNSUPPORTED',
  'STORE_FAILED',
  'STORE_DAMAGED',
  'SOURCE_FAILED',
  'KEY_ELSEWHERE',
  'KEY_RESTORING',
  'OWNER_UNKNOWN',
  'OWNER_AWAY',
  'READ_TIMEOUT',
  'TOKEN_INVALID',
  'OBJECT_MISSING',
  'QUERY_FAILED',
  'CHILD_FAILED',
  'CONNECTOR_FAILED',
  'SCHEMA_REFUSED',
  'REGISTRY_REFUSED',
  'REQUEST_INVALID',
  'NOT_ALLOWED',
  'OVERLOADED',
  'LISTEN_FAILED',
  'APP_CLOSED',
] as const

/** See `docs/errors.md`: what each means, and what to do. */
export type ErrorCode = (typeof errorCodes)[number]

/** Where an error happened, as far as it is known. */
export interface ErrorFacts {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly kind?: string
  readonly key?: string
  /** Of records that a broker refuses: its code for it, and their places in the batch, where it names them. */
  readonly brokerCode?: number
  readonly records?: readonly number[]
  readonly cause?: unknown
}

const factNames = ['topic', 'partition', 'offset', 'kind', 'key', 'brokerCode', 'records'] as const

const brand = Symbol.for('millrace.error')

/** The one error class of the library: a code for programs, a sentence for people, facts as fields. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  // What is not known is no property: Node prints those that are undefined too, up to eight lines of nothing.
  declare readonly topic: string | undefined
  declare readonly partition: number | undefined
  declare readonly offset: number | undefined
  declare readonly kind: string | undefined
  declare readonly key: string | undefined
  /** Kafka's number for the refusal, of `RECORDS_REFUSED`. */
  declare readonly brokerCode: number | undefined
  /** Places in the batch of the records that a broker refuses, from 0 on; undefined when it does not name them. */
  declare readonly records: readonly number[] | undefined

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    for (const name of factNames) if (facts[name] !== undefined) Object.assign(this, { [name]: facts[name] })
    Object.defineProperty(this, brand, { value: true })
  }

  /** Recognises errors of another copy of the library too, which `instanceof` would not. */
  static is(error: unknown, code?: ErrorCode): error is MillraceError {
    if (typeof error !== 'object' || error === null) return false
    try {
      return brand in error && (code === undefined || (error as unknown as MillraceError).code === code)
    } catch {
      return false
    }
  }
}

/** What user code has thrown, or an error in its place where looking at it throws, as with a proxy that was revoked. */
export function thrownBy(error: unknown): unknown {
  try {
    // What `instanceof` and `is` do later.
    if (error instanceof Error || typeof error !== 'object' || error === null) return error
    void (brand in error)
    return error
  } catch {
    return new Error(reasonOf(error))
  }
}

/** Does something, and says of errors of this library where it was: with what, before their message, and which facts. */
export function within<T>(where: string, facts: ErrorFacts, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    throw saying(where, facts, cause)
  }
}

/** What `within` throws for this error. */
export function saying(where: string, facts: ErrorFacts, cause: unknown): unknown {
  if (!MillraceError.is(cause)) return cause
  return new MillraceError(cause.code, `${where}: ${cause.message}`, { ...facts, cause })
}

/** The text of anything thrown, with those of its causes, cut where it is very long. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    return cutText(isError(error) ? textWithCauses(error) : textOf(error), longestReason)
  } catch {
    return `something without a text (${typeof error})`
  }
}

const bareText = '[object Object]'

/** Of what is no error. An object that has no text of its own is told as JSON. Throws what looking at it throws. */
function textOf(thing: unknown): string {
  if (typeof thing !== 'object' || thing === null) return String(thing)
  const isBare = Object.getPrototypeOf(thing) === null || Array.isArray(thing)
  const text = isBare ? bareText : String(thing as unknown)
  if (text !== bareText) return text
  try {
    return JSON.stringify(thing) ?? text
  } catch {
    // It holds itself, or what JSON has no form for.
    return text
  }
}

/** Characters of a message that another one, a log or a dead letter repeats: errors may carry whole documents. */
const longestReason = 4_096

/** The beginning of a text, which then says so. */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… (cut: ${text.length} characters)`
}

/** Of a chain of causes; of the errors that one stands for. */
const mostCauses = 4
const mostErrors = 3

/**
 * What an error says, with what its causes say beyond that: `fetch failed: connect ECONNREFUSED 127.0.0.1:9092`. One without a
 * message says what those say that it stands for, or its code, or its name. Throws what looking at it throws.
 */
function textWithCauses(error: Error): string {
  let text = ownText(error)
  try {
    let { cause } = error
    for (let depth = 0; depth < mostCauses && cause !== undefined && cause !== null; depth++) {
      const more = isError(cause) ? ownText(cause) : textOf(cause)
      // OpenSSL ends its lines, and who repeats them does not.
      if (!text.includes(more.trimEnd())) text += `: ${more}`
      cause = isError(cause) ? cause.cause : undefined
    }
  } catch {
    // A cause that does not bear to be looked at says nothing.
  }
  return text
}

function ownText(error: Error & { readonly errors?: unknown; readonly code?: unknown }): string {
  const { message } = error
  if (message !== '') return String(message)
  const { errors, code, name } = error
  const inner = Array.isArray(errors) ? errors.slice(0, mostErrors).filter(isError) : []
  if (inner.length > 0) return inner.map(({ message: each }) => String(each)).join(', ')
  return typeof code === 'string' ? code : String(name)
}

/** Also of another realm, as tests have them that run in a context of their own. Throws what looking at a proxy throws. */
export function isError(thing: unknown): thing is Error {
  return types.isNativeError(thing) || thing instanceof Error
}
