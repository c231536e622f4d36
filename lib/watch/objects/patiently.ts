import type { Clock } from '../../core/clock.js'
import { HttpError } from '../../http/http-error.js'

/**
 * What is read from brokers, which may be away for as long as they like. Rejects with `READ_TIMEOUT` when that takes longer than `ms`, and
 * ends when `signal` aborts; what it waited for is left to itself then, and told so.
 */
export async function patiently<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const late = clock.sleep(ms, ending.signal).then(() => {
    throw new HttpError(504, 'READ_TIMEOUT', `the brokers did not give what was asked for within ${ms / 1_000} s`)
  })
  const reading = read(ending.signal)
  try {
    return await Promise.race([reading, late])
  } finally {
    reading.catch(() => undefined)
    late.catch(() => undefined)
    signal.removeEventListener('abort', end)
    end()
  }
}
