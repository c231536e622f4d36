/**
 * Compares keys by their UTF-8 bytes, as LevelDB does. JavaScript's own `<` compares UTF-16 units and puts characters
 * beyond U+FFFF (surrogate pairs, 0xD800–0xDFFF) before U+E000–U+FFFF; in UTF-8 they come after.
 */
export function compareKeys(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const unitA = a.charCodeAt(i)
    const unitB = b.charCodeAt(i)
    if (unitA !== unitB) return rank(unitA) - rank(unitB)
  }
  return a.length - b.length
}

/** Surrogates move above everything else; the order within each part stays. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** The least key behind all that begin with a prefix, which has a character below U+10FFFF: no text of U+10FFFF is behind all others. */
export function behindPrefix(prefix: string): string {
  const points = Array.from(prefix)
  while (points.at(-1) === '\u{10FFFF}') points.pop()
  const last = (points.pop() as string).codePointAt(0) as number
  return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1)
}
