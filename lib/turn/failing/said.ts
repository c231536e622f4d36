/** Above so many it forgets: each is a sentence. */
const most = 10_000

/** What was said since the last seal: what is taken back and done again is said once. */
export class Said {
  readonly #seq: () => number
  #saidIn = 0
  readonly #said = new Set<string>()

  /** `seq`: the commit under construction. */
  constructor(seq: () => number) {
    this.#seq = seq
  }

  isNew(sentence: string): boolean {
    if (this.#saidIn !== this.#seq() || this.#said.size >= most) this.#said.clear()
    this.#saidIn = this.#seq()
    if (this.#said.has(sentence)) return false
    this.#said.add(sentence)
    return true
  }
}
