import type { Clock } from '../../core/clock.js'
import { cutText } from '../../core/errors.js'
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
        this.#note(level, message)
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

  #note(level: Warning['level'], message: unknown): void {
    let text = typeof message === 'string' ? message : ''
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
