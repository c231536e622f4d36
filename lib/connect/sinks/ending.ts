import type { Clock } from '../../core/clock.js'

/** Whether it ends within so many milliseconds. It must not reject. */
export async function endsIn(clock: Clock, ms: number, ending: Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController()
  const late = clock.sleep(ms, waiting.signal).then(() => false)
  const hasEnded = await Promise.race([ending.then(() => true), late])
  waiting.abort()
  return hasEnded
}
