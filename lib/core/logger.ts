import { forget, isThenable } from './record-checks.js'

/** Structured logging in the shape of pino: fields first. */
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

function write(level: string, fields: object, message = ''): void {
  process.stderr.write(`${lineOf({ level, message, ...fields }) ?? JSON.stringify({ level, message })}\n`)
}

/** Undefined when the fields have no JSON form. */
function lineOf(fields: object): string | undefined {
  try {
    return JSON.stringify(fields, plainErrors)
  } catch {
    return undefined
  }
}

function plainErrors(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, ...Object.fromEntries(Object.entries(value)) }
  return typeof value === 'bigint' ? String(value) : value
}
