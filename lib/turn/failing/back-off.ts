import type { ErrorPolicy } from '../../model/kind.js'

/** A wait that an error asks for counts as this at most: whoever says a year has made a mistake. */
export const longestAskedMs = 24 * 3_600_000

/** What has been tried of a turn. */
export interface Tried {
  /** Attempts made, the one that has failed just now included. */
  readonly attempt: number
  /** Milliseconds that were waited between them. */
  readonly waited: number
}

/**
 * Milliseconds until the next attempt of a turn; undefined when there is none. `name` is of its object: others do not wait just as
 * long, so that what failed together is not tried again together. It depends on nothing else, so an attempt that is made again after a crash
 * is followed by the same wait.
 */
export function waitBeforeNext(
  { attempts, backoffMs, mostBackoffMs, forMs }: ErrorPolicy,
  name: string,
  { attempt, waited }: Tried,
  askedMs: number | undefined,
): number | undefined {
  if (attempt >= attempts || waited >= forMs) return undefined
  const share = shareOf(`${name} ${attempt}`)
  const nominal = Math.min(mostBackoffMs, backoffMs * 2 ** (attempt - 1))
  const own = Math.min(forMs - waited, Math.ceil(nominal * (0.5 + share / 2)))
  if (askedMs === undefined) return own
  // Never sooner than it asks for, and not all of those who were told the same at once.
  return Math.max(own, Math.ceil(Math.min(askedMs, longestAskedMs) * (1 + share / 10)))
}

/** From 0 to below 1, the same for the same text: FNV-1a, mixed so that texts that differ at their end are far apart. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
