import { msOf, durationMs, type Duration } from './duration.js'

const fatalBrand = Symbol.for('millrace.fatal')

/**
 * Thrown by a handler: trying again is of no use. The turn is undone and the record is given up at once, as `onError.then` says: a
 * dead letter, by default. `cause` is the error underneath, if there is one.
 *
 * ```ts
 * if (response.status === 422) throw new Fatal(`the card of ${order.id} was declined`)
 * ```
 */
export class Fatal extends Error {
  override readonly name = 'Fatal'

  constructor(message?: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    Object.defineProperty(this, fatalBrand, { value: true })
  }

  /** Recognises those of another copy of the library too, which `instanceof` would not. */
  static is(error: unknown): error is Fatal {
    return isObject(error) && fatalBrand in error
  }
}

/**
 * Thrown by a handler: the turn is undone and tried again, but not before `delay` has passed. Any other error with a property
 * `retryAfter`, a duration, says the same. Throws `OPTIONS_INVALID` for what is no duration.
 *
 * ```ts
 * if (response.status === 429) throw new RetryAfter(`${Number(response.headers.get('retry-after'))}s`)
 * ```
 */
export class RetryAfter extends Error {
  override readonly name = 'RetryAfter'
  /** Milliseconds. */
  readonly retryAfter: number

  constructor(delay: Duration, message?: string, options?: { readonly cause?: unknown }) {
    const ms = durationMs(delay, 'new RetryAfter')
    super(message ?? `try again in ${ms} ms`, options)
    this.retryAfter = ms
  }
}

/** What an error says about trying again. */
export type Advice = { readonly fatal: true } | { readonly fatal: false; readonly retryAfterMs: number }

/** Errors under one another that are looked at. */
const deepest = 10

/**
 * What a thrown error, or else the nearest of its causes, says about trying again; undefined when none says anything that can be
 * understood. Never throws, whatever it is given.
 */
export function adviceOf(error: unknown): Advice | undefined {
  try {
    let each = error
    for (let depth = 0; depth < deepest && isObject(each); depth++) {
      if (Fatal.is(each)) return { fatal: true }
      const retryAfterMs = waitOf((each as { readonly retryAfter?: unknown }).retryAfter)
      if (retryAfterMs !== undefined) return { fatal: false, retryAfterMs }
      each = (each as { readonly cause?: unknown }).cause
    }
  } catch {
    // A property that throws when it is asked for says nothing.
  }
  return undefined
}

/** Milliseconds; what was computed may have parts of one. */
function waitOf(asked: unknown): number | undefined {
  return msOf(typeof asked === 'number' ? Math.ceil(asked) : asked)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
