import { systemClock } from './clock.js'
import { errorFields, type ErrorFields } from './error-fields.js'
import { isError } from './errors.js'
import { forget, isThenable } from './record-checks.js'

/**
 * Structured logging in the shape of pino: fields first. Where an error is logged, the field `err` has it as plain data, in the
 * shape of pino's serializer: `type`, `message`, `stack`, `code` and other facts, `cause` in the same shape, `aggregateErrors`.
 */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** Warnings and errors as one JSON line each on stderr; a library that says nothing hides trouble, one that chats is noise. */
export const stderrLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => write('warn', fields, message),
  error: (fields, message) => write('error', fields, message),
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** The same, for callers whose work does not depend on it: what a logger throws, or is rejected with later, is dropped. */
export function unfailing(logger: Logger): Logger {
  const calm =
    (level: keyof Logger) =>
    (fields: object, message?: string): void => {
      try {
        // One that sends its lines somewhere gives a promise.
        const result: unknown = logger[level](fields, message)
        if (isThenable(result)) forget(result)
      } catch {
        // There is nobody to tell.
      }
    }
  return { debug: calm('debug'), info: calm('info'), warn: calm('warn'), error: calm('error') }
}

/** The same, for this library: what it logs as `err` is described, so that it is whole, of bounded size and harmless to look at. */
export function describing(logger: Logger): Logger {
  const described =
    (level: keyof Logger) =>
    (fields: { readonly err?: unknown }, message?: string): void =>
      logger[level]('err' in fields ? { ...fields, err: errorFields(fields.err) } : fields, message)
  // Hardly anybody listens to debug, and while a service is down each attempt says something there.
  const debug = (fields: { readonly err?: unknown }, message?: string): void =>
    logger.debug('err' in fields ? lazily(fields) : fields, message)
  return { debug, info: described('info'), warn: described('warn'), error: described('error') }
}

/** The error is described when somebody looks at it. */
function lazily(fields: { readonly err?: unknown }): object {
  let described: ErrorFields | undefined
  const err = { enumerable: true, configurable: true, get: () => (described ??= errorFields(fields.err)) }
  return Object.defineProperty({ ...fields }, 'err', err)
}

function write(level: string, fields: object, message = ''): void {
  const time = new Date(systemClock.now()).toISOString()
  process.stderr.write(`${JSON.stringify({ time, level, message, ...plain(fields) })}\n`)
}

/** What of the fields can be written as JSON: a field that cannot must not hide the line. */
function plain(fields: object): Record<string, unknown> {
  const written: Record<string, unknown> = {}
  try {
    for (const [name, value] of Object.entries(fields)) written[name] = plainValue(value)
  } catch {
    // A getter that throws: what came before it is there.
  }
  return written
}

function plainValue(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, plainParts) as string | undefined
    return text === undefined ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return 'it has no JSON form'
  }
}

function plainParts(_key: string, value: unknown): unknown {
  if (isError(value)) return errorFields(value)
  return typeof value === 'bigint' ? String(value) : value
}
