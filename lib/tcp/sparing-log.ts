import { systemClock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'

const most = 10
const spanMs = 10_000

/** Warnings that others can cause as often as they like: ten in ten seconds, then one line with how many more there were. */
export class SparingLog {
  readonly #logger: Logger
  #begin = -spanMs
  #said = 0
  #unsaid = 0

  constructor(logger: Logger) {
    this.#logger = logger
  }

  warn(fields: object, message: string): void {
    const now = systemClock.elapsed()
    if (now - this.#begin >= spanMs) {
      this.flush()
      this.#begin = now
      this.#said = 0
    }
    if (this.#said++ < most) this.#logger.warn(fields, message)
    else this.#unsaid++
  }

  flush(): void {
    if (this.#unsaid > 0)
      this.#logger.warn({ unsaid: this.#unsaid }, `${this.#unsaid} more warnings like the last ones were left out`)
    this.#unsaid = 0
  }
}
