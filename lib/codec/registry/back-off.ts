const firstMs = 100
const mostMs = 5_000

/** When to ask again after failures: later each time, with some chance in it, so that not all ask at the same time. */
export class BackOff {
  #failures = 0
  #until = 0

  failed(atLeastMs: number): void {
    const ms = Math.min(mostMs, firstMs * 2 ** this.#failures++)
    this.#until = performance.now() + Math.max(atLeastMs, ms * (0.75 + Math.random() / 2))
  }

  succeeded(): void {
    this.#failures = 0
    this.#until = 0
  }

  /** Resolves when it is time to ask, or when `signal` aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    for (let ms = this.#until - performance.now(); ms > 0; ms = this.#until - performance.now()) {
      await pause(ms, signal)
      if (signal?.aborted === true) return
    }
  }
}

/** Does not keep the process alive: whoever waits for it has something else that does. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms).unref()
    signal?.addEventListener('abort', done, { once: true })
  })
}
