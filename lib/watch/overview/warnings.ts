import type { Clock } from '../../core/clock.js'
import type { ErrorFields } from '../../core/error-fields.js'
import { cutText, isError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { Warning } from './shapes.js'

const mostWarnings = 200
const longestMessage = 2_000

/** The last warnings and errors of this process: what is logged passes through. Only sentences are kept: fields may hold anything. */
export class Warnings {
  readonly #clock: Clock
  readonly #instance: string
  /** Never shown, should one stand in a message. */
  readonly #secrets: readonly string[]
  readonly #kept: Warning[] = []
  #seq = 0

  constructor(clock: Clock, instance: string, secrets: readonly string[] = []) {
    this.#clock = clock
    this.#instance = instance
    this.#secrets = secrets.filter((secret) => secret !== '')
  }

  /** Latest first. */
  get last(): readonly Warning[] {
    return this.#kept.toReversed()
  }

  /** What is logged there is noted here. */
  over(logger: Logger): Logger {
    const noting =
      (level: Warning['level']) =>
      (fields: object, message?: string): void => {
        this.#note(level, message, fields)
        // What a logger gives is for whoever calls it.
        return logger[level](fields, message)
      }
    return {
      debug: (fields, message) => logger.debug(fields, message),
      info: (fields, message) => logger.info(fields, message),
      warn: noting('warn'),
      error: noting('error'),
    }
  }

  #note(level: Warning['level'], message: unknown, fields: object): void {
    let text = sentenceOf(message, fields)
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***')
    this.#kept.push({
      seq: ++this.#seq,
      at: this.#clock.now(),
      level,
      message: cutText(text, longestMessage),
      instance: this.#instance,
    })
    if (this.#kept.length > mostWarnings) this.#kept.shift()
  }
}

/** The message, and what the error or the reason says that is logged with it, where the message does not. Anybody may log anything. */
function sentenceOf(message: unknown, fields: object): string {
  const text = typeof message === 'string' ? message : ''
  try {
    const { err, reason } = fields as { readonly err?: unknown; readonly reason?: unknown }
    const why = err === undefined ? (typeof reason === 'string' ? reason : '') : messageOf(err)
    if (why === '' || text.includes(why)) return text
    return text === '' ? why : `${text}: ${why}`
  } catch {
    return text
  }
}

const messageOf = (err: unknown): string =>
  isError(err) ? reasonOf(err) : String((err as Partial<ErrorFields> | null)?.message ?? '')
