import { isBytes } from './bytes.js'

/** Texts that are longer are counted once, however many values share them. */
const shortText = 1_000
/** For an object or a field of one, beside what it holds. */
const perField = 16

/** About how many bytes of memory values hold: what several of them share is counted once. */
export class HeldSize {
  readonly #seen = new Set<unknown>()
  readonly #most: number
  #bytes = 0

  /** More than `most` is not counted. */
  constructor(most: number) {
    this.#most = most
  }

  get isTooMuch(): boolean {
    return this.#bytes > this.#most
  }

  add(value: unknown): void {
    const left = [value]
    while (left.length > 0 && !this.isTooMuch) {
      const next = left.pop()
      this.#bytes += perField
      if (typeof next === 'string') this.#addText(next)
      else if (typeof next === 'object' && next !== null && !this.#isKnown(next)) {
        if (isBytes(next)) this.#bytes += next.byteLength
        else for (const each of fieldsOf(next)) left.push(each)
      }
    }
  }

  #addText(text: string): void {
    if (text.length <= shortText || !this.#isKnown(text)) this.#bytes += text.length
  }

  #isKnown(shared: unknown): boolean {
    const { size } = this.#seen
    return this.#seen.add(shared).size === size
  }
}

function fieldsOf(object: object): readonly unknown[] {
  try {
    return object instanceof Map || object instanceof Set ? [...object].flat() : Object.values(object)
  } catch {
    // Its own code, as of a getter or a proxy. Whoever uses it finds that out.
    return []
  }
}
