/** Where what the app left behind differs from a fold over its input: the first place. */
export class Divergence extends Error {
  override readonly name = 'Divergence'

  /** `at`: topic, partition and offset, where there are some. */
  constructor(check: string, key: string, expected: unknown, found: unknown, at?: string) {
    const where = at === undefined ? '' : ` at ${at}`
    super(`${check}: ${key}: expected ${textOf(expected)}, found ${textOf(found)}${where}`)
  }
}

/** Equal texts for equal values, whatever the order of their fields. */
export function textOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : JSON.stringify(value)
  const sorted = Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify(sorted)
}

/** Throws for the first key, in order, whose values differ. `at` says where the found one is. */
export function demandSame<V>(
  check: string,
  found: ReadonlyMap<string, V>,
  expected: ReadonlyMap<string, V>,
  at?: (key: string) => string | undefined,
): void {
  for (const key of [...new Set([...expected.keys(), ...found.keys()])].sort()) {
    if (textOf(found.get(key)) !== textOf(expected.get(key)))
      throw new Divergence(check, key, expected.get(key), found.get(key), at?.(key))
  }
}
