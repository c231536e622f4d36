// Taken out of the global once: in jest's sandbox each look at a global costs more than the multiplication.
const { imul } = Math

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
export function randomFrom(seed: number): () => number {
  let a = seed | 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = imul(a ^ (a >>> 15), 1 | a)
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Whole numbers from 0 to 65535 for choices that no seed decides: the end of a run, and an assignment. */
export function sequenceFrom(start: number): () => number {
  let x = start >>> 0
  return () => {
    x = (imul(x, 1103515245) + 12345) >>> 0
    return (x >>> 8) & 0xffff
  }
}

/** One of these, by a drawn number. */
export function pick<T>(from: readonly T[], x: number): T | undefined {
  return from.length === 0 ? undefined : from[x % from.length]
}
