import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { shown } from '../../core/options.js'

/** Functions of the user that are told something. What they throw is logged and changes nothing. */
export class Listeners<T> {
  readonly #logger: Logger
  readonly #what: string
  readonly #listeners = new Set<{ readonly call: (value: T) => void }>()

  /** `what` names them in the log. */
  constructor(what: string, logger: Logger) {
    this.#what = what
    this.#logger = logger
  }

  /** Returns what takes it out again. The same function may be added twice, and is then told twice. Throws `OPTIONS_INVALID`. */
  add(call: (value: T) => void): () => void {
    if (typeof call !== 'function')
      throw new MillraceError('OPTIONS_INVALID', `the listener of ${this.#what} is ${shown(call)}; give a function`)
    const listener = { call }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(value: T): void {
    for (const { call } of this.#listeners) {
      try {
        const result: unknown = call(value)
        // An async function passes where void is asked for.
        if (result instanceof Promise) result.catch((error: unknown) => this.#failed(error))
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  #failed(error: unknown): void {
    this.#logger.error({ err: error }, `a listener of ${this.#what} failed, and the app goes on: ${reasonOf(error)}`)
  }
}
