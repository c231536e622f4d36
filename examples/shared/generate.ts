/** Numbers from 0 up to 1, the same ones for the same seed, so that a run can be compared with what must come out of it. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

/** A whole number from `least` to `most`. */
export function between(next: () => number, least: number, most: number): number {
  return least + Math.floor(next() * (most - least + 1))
}

/**
 * Midnight, UTC, so many days ago. Event time of what is generated is recent, since brokers delete records by their own
 * timestamps, and what a turn emits has that of its event.
 */
export function daysAgo(days: number): number {
  const dayMs = 24 * 60 * 60_000
  return Math.floor(Date.now() / dayMs) * dayMs - days * dayMs
}
