import { MillraceError, type ErrorCode, type ErrorFacts } from '../core/errors.js'
import { json } from './answers.js'

/** An error that says with which status it is answered. */
export class HttpError extends MillraceError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    facts: ErrorFacts & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, facts)
    this.status = status
    this.headers = facts.headers ?? {}
  }
}

/** Of what those who ask can do something about. All else is 500. */
const statuses: Partial<Record<ErrorCode, number>> = {
  OPTIONS_INVALID: 400,
  REQUEST_INVALID: 400,
  NOT_ALLOWED: 403,
  // A kind, a query, a topic that is not in the program.
  DEFINITION_INVALID: 404,
  // The request is right, and reaches a process that has no answer. Not 421, on which `fetch` asks again, and without the body.
  KEY_ELSEWHERE: 409,
  // Another one has taken over, such as a second replay.
  FENCED: 409,
  KEY_RESTORING: 503,
  OWNER_UNKNOWN: 503,
  OWNER_AWAY: 503,
  READ_TIMEOUT: 504,
  TOKEN_INVALID: 400,
  OBJECT_MISSING: 404,
  OVERLOADED: 503,
  APP_CLOSED: 503,
}

export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status
  return MillraceError.is(error) ? (statuses[error.code] ?? 500) : 500
}

/** `{ error: { code, message, … } }`, with the status that goes with it. */
export function errorAnswer(error: unknown): Response {
  return json(errorBody(error), {
    status: statusOf(error),
    headers: error instanceof HttpError ? error.headers : {},
  })
}

/** Of what is nobody's business outside it says no more than the code. */
export function errorBody(error: unknown): { readonly error: Readonly<Record<string, unknown>> } {
  if (!MillraceError.is(error)) return { error: { code: 'INTERNAL', message: internal } }
  const { code, message, kind, key, topic, partition, offset } = error
  if (statusOf(error) === 500) return { error: { code, message: internal } }
  return { error: { code, message, kind, key, topic, partition, offset } }
}

const internal = 'this could not be answered; the log of the app says why'
