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
  // The request is right, and reaches a process that has no answer.
  KEY_ELSEWHERE: 421,
  OVERLOADED: 503,
  APP_CLOSED: 503,
}

export function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status
  return MillraceError.is(error) ? (statuses[error.code] ?? 500) : 500
}

/** `{ error: { code, message, … } }`. Of what is nobody's business outside it says no more than the code. */
export function errorAnswer(error: unknown): Response {
  const status = statusOf(error)
  const headers = error instanceof HttpError ? error.headers : {}
  if (!MillraceError.is(error)) return json({ error: { code: 'INTERNAL', message: internal } }, { status, headers })
  const { code, message, kind, key, topic, partition, offset } = error
  if (status === 500) return json({ error: { code, message: internal } }, { status, headers })
  return json({ error: { code, message, kind, key, topic, partition, offset } }, { status, headers })
}

const internal = 'this could not be answered; the log of the app says why'
