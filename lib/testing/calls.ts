import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'

/** Between two looks at whether a call gets on. Looks are counted, not time: a handler that computes for long is not stuck. */
const lookMs = 100

/**
 * Calls of a driver: one at a time, in the order in which they were made, each until it has ended or gets on no more. Only while
 * one is under way the process is kept alive.
 */
export class Calls {
  readonly #looks: number
  readonly #patience: string
  readonly #progress: () => number
  readonly #state: () => string
  #last: Promise<unknown> = Promise.resolve()
  #end: MillraceError | undefined

  /** `progress`: a number that changes as things get on; `state`: what the app is doing, for a message. */
  constructor(patience: Duration, progress: () => number, state: () => string) {
    const ms = durationMs(patience, 'patience')
    this.#looks = Math.ceil(ms / lookMs)
    this.#patience = `${ms / 1_000} s`
    this.#progress = progress
    this.#state = state
  }

  /** Rejects with `TEST_STUCK`, also those that follow, and with `APP_CLOSED` when `close` was called. */
  run<T>(call: string, act: () => Promise<T>): Promise<T> {
    const caller: { stack?: string } = {}
    Error.captureStackTrace(caller)
    const result = this.#last
      .then(() => {
        if (this.#end !== undefined) throw this.#end
        return this.#watched(call, act())
      })
      .catch((error: unknown) => {
        if (MillraceError.is(error)) pointAt(error, caller.stack)
        throw error
      })
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when all calls that were made have ended; others are refused. */
  async close(): Promise<void> {
    const last = this.#last
    this.#last = last.then(() => {
      this.#end ??= new MillraceError('APP_CLOSED', 'the test driver has been closed; make another one')
    })
    await this.#last
  }

  #watched<T>(call: string, result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let seen = this.#progress()
      let still = 0
      const looking = setInterval(() => {
        const progress = this.#progress()
        still = progress === seen ? still + 1 : 0
        seen = progress
        if (still < this.#looks) return
        const what = `${call}: nothing was committed for ${this.#patience}, and it is not done. ${this.#state()}`
        this.#end = new MillraceError('TEST_STUCK', what)
        clearInterval(looking)
        reject(this.#end)
      }, lookMs)
      void result.then(resolve, reject).finally(() => clearInterval(looking))
    })
  }
}

/** Keeps the process alive until the promise has settled. Otherwise nothing holds one whose tests await it, and it ends in the middle. */
export function awake<T>(promise: Promise<T>): Promise<T> {
  const holding = setInterval(() => undefined, lookMs)
  return promise.finally(() => clearInterval(holding))
}

const ours = /^\s*at (Calls|Driver)\.#?\w+ /

/** Test runners show the line that an error comes from: in place of ours, that of the call in the test. */
function pointAt(error: MillraceError, stack = ''): void {
  const frames = stack.split('\n').slice(1)
  while (frames[0] !== undefined && ours.test(frames[0])) frames.shift()
  error.stack = `${error.name}: ${error.message}\n${frames.join('\n')}`
}
