/** Says of one in so many that it is one, evenly. */
export class Sampler {
  readonly #ratio: number
  /** The first is one, unless none is. */
  #sum: number

  constructor(ratio: number) {
    this.#ratio = ratio
    this.#sum = 1 - ratio
  }

  next(): boolean {
    if (this.#ratio === 0) return false
    this.#sum += this.#ratio
    if (this.#sum < 1) return false
    this.#sum -= 1
    return true
  }
}
