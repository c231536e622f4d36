import { MillraceError, reasonOf, type ErrorCode, type ErrorFacts } from './errors.js'

/**
 * What user code made of a record cannot be: a step threw, a key is none, a value has no form. It concerns that record only,
 * which takes the way its topic's `onInvalid` says. Thrown where user code was called and nowhere else, so that whatever else
 * is thrown on the record path is a failure of the app, also where users throw errors of this library.
 */
export class RecordRefused extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  /** `what` ends a sentence that begins with the place of the record. */
  constructor(code: ErrorCode, what: string, facts: ErrorFacts = {}) {
    super(what, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.facts = facts
  }

  /** User code has thrown. */
  static by(code: ErrorCode, what: string, cause: unknown): RecordRefused {
    return new RecordRefused(code, `${what} failed (${reasonOf(cause)})`, { cause })
  }

  /** A check of this library has thrown: its own code counts. */
  static because(error: unknown, otherwise: ErrorCode): RecordRefused {
    const code = MillraceError.is(error) ? error.code : otherwise
    return new RecordRefused(code, reasonOf(error), { cause: error })
  }
}
