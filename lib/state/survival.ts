/** Of each kind this many states are read again when they are written, and after them one of so many. */
const first = 100
const every = 1_000

/**
 * Which states of a kind are read again when they are written, to see that they come back as they were: a schema may change
 * what it reads, and objects may have what no codec writes. Reading again costs about four times what writing does, so with
 * one of a thousand it is 0.4 % of that.
 */
export class Survival {
  /** Every one is, with each turn, and also for fields that its schema drops: in tests. */
  readonly isEach: boolean
  #seen = 0

  constructor(isEach: boolean) {
    this.isEach = isEach
  }

  isDue(): boolean {
    return this.isEach || ++this.#seen <= first || this.#seen % every === 0
  }
}
