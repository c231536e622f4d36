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

function write(level: string, fields: object, message = ''): void {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields }, plainErrors)}\n`)
}

function plainErrors(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, ...Object.fromEntries(Object.entries(value)) }
  return typeof value === 'bigint' ? String(value) : value
}
