/** Something did not happen in time. A run always ends: with this, if with nothing else. */
export class WaitFailed extends Error {
  override readonly name = 'WaitFailed'

  constructor(what: string, ms: number) {
    super(`waited ${ms / 1_000} s in vain for: ${what}`)
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Rejects with `WaitFailed` when `work` takes longer; the work itself goes on. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WaitFailed(what, ms)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks every 25 ms. `what` is asked for only when it took too long. */
export async function until(ms: number, what: () => string, test: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + ms
  while (!(await within(ms, what(), Promise.resolve(test())))) {
    if (performance.now() > end) throw new WaitFailed(what(), ms)
    await sleep(25)
  }
}
