import { forget } from './record-checks.js'

/** What ends a sleep early: an `AbortSignal`, or less. */
export interface Cancel {
  readonly aborted: boolean
  addEventListener(type: 'abort', onAbort: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', onAbort: () => void): void
}

/** Time comes in as an argument everywhere, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that never go back; for intervals. */
  elapsed(): number
  /** Resolves after `ms`, 24 days at most, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: Cancel): Promise<void>
  /** Lets the event loop turn once: I/O, timers and other promises get their chance. */
  breathe(): Promise<void>
  /** Calls `tick` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, tick: () => void): () => void
}

/** What is longer `setTimeout` takes for 1 ms. */
export const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) => asleep(ms, signal, true),
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
  every(ms, tick) {
    const timer = setInterval(tick, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}

/** The same, on which sleeping does not keep the process alive either. */
export const idleClock: Clock = { ...systemClock, sleep: (ms, signal) => asleep(ms, signal, false) }

function asleep(ms: number, signal: Cancel | undefined, holdsProcess: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, longestTimeoutMs))
    if (!holdsProcess) timer.unref()
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** What comes of some work; undefined as soon as `signal` aborts: then what becomes of it is of no interest. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  forget(work)
  if (signal === undefined) return await work
  if (signal.aborted) return undefined
  let giveUp = (): void => undefined
  const aborted = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined)
    signal.addEventListener('abort', giveUp, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
