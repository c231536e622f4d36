import { MillraceError, type ErrorCode } from '../../core/errors.js'

/** How a command ends. `docs/cli.md` lists them: scripts count on the numbers. */
export const exits = {
  ok: 0,
  /** It was tried and failed, or a check found something. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** It would do harm now: it says what to do first. */
  refused: 3,
  /** There is no such app, topic, object, program. */
  notFound: 4,
  /** The brokers, or the instance, do not answer. */
  unreachable: 5,
  /** A permission is missing, or the token. */
  notAllowed: 6,
  interrupted: 130,
} as const

export type Exit = keyof typeof exits

/** What a person is told: what, where, and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exit: Exit

  constructor(exit: Exit, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.exit = exit
  }
}

const ofCodes: Partial<Readonly<Record<ErrorCode, Exit>>> = {
  OPTIONS_INVALID: 'usage',
  TOPIC_MISSING: 'notFound',
  NOT_AUTHORIZED: 'notAllowed',
}

export function exitOf(error: unknown): Exit {
  if (error instanceof CliError) return error.exit
  if (MillraceError.is(error)) return ofCodes[error.code] ?? 'failed'
  return 'failed'
}

/** What programs that read `--json` go by: the code of the library, or how the command ends. */
export function codeOf(error: unknown): string {
  if (MillraceError.is(error)) return error.code
  if (error instanceof CliError && MillraceError.is(error.cause)) return error.cause.code
  return exitOf(error)
}
