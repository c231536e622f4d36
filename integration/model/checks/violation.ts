/** A promise of the library was broken. */
export class Violation extends Error {}

export function violated(what: string): never {
  throw new Violation(what)
}
