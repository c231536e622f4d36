import type { Clock } from '../../core/clock.js'
import { thrownBy } from '../../core/errors.js'
import { forget } from '../../core/record-checks.js'

/** A call has not ended in time, and is waited for no longer. */
export class Abandoned extends Error {}

/** Calls of a connector, one at a time: how long one has been under way is known, and it can be given up. */
export class UserCalls {
  readonly #clock: Clock
  readonly #given = new AbortController()
  #underWay: { readonly what: string; readonly since: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What has been under way for so long, in words. */
  slow(ms: number): string | undefined {
    if (this.#underWay === undefined) return undefined
    const { what, since } = this.#underWay
    const elapsed = this.#clock.elapsed() - since
    return elapsed < ms ? undefined : `${what} has not ended for ${Math.round(elapsed / 1_000)} s`
  }

  /** Rejects with what the call throws or rejects with, or with `Abandoned`. `late`: for what it gives when it was given up. */
  async call<T>(what: string, act: () => T | PromiseLike<T>, late?: (result: T) => void): Promise<T> {
    const { signal } = this.#given
    if (signal.aborted) throw new Abandoned(what)
    this.#underWay = { what, since: this.#clock.elapsed() }
    let abandon = (): void => undefined
    try {
      const result = act()
      const given = new Promise<never>((_, reject) => {
        abandon = () => reject(new Abandoned(what))
        signal.addEventListener('abort', abandon, { once: true })
      })
      const settled = Promise.resolve(result)
      forget(settled)
      if (late !== undefined)
        forget(
          settled.then((value) => {
            if (signal.aborted) late(value)
          }),
        )
      return await Promise.race([settled, given])
    } catch (error) {
      throw thrownBy(error)
    } finally {
      signal.removeEventListener('abort', abandon)
      this.#underWay = undefined
    }
  }

  /** What is under way is waited for no longer. */
  abandon(): void {
    this.#given.abort()
  }
}

/** Whether it ends within so many milliseconds. It must not reject. */
export async function endsIn(clock: Clock, ms: number, ending: Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController()
  const late = clock.sleep(ms, waiting.signal).then(() => false)
  const hasEnded = await Promise.race([ending.then(() => true), late])
  waiting.abort()
  return hasEnded
}
