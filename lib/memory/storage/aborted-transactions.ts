import type { Offset } from '../../core/record.js'

export interface AbortedTransaction {
  readonly producerId: bigint
  /** Of its first batch. */
  readonly first: Offset
  /** Of its marker. */
  readonly last: Offset
}

/** The transactions aborted in one partition, as a fetch has to tell them (KIP-98, "Aborted transaction index"). */
export class AbortedTransactions {
  /** In order of `last`: they are added when their marker is written. */
  #list: AbortedTransaction[] = []

  add(transaction: AbortedTransaction): void {
    this.#list.push(transaction)
  }

  /** Those that overlap a range of offsets. */
  within(from: Offset, to: Offset): [producerId: bigint, firstOffset: Offset][] {
    const found: [bigint, Offset][] = []
    for (let i = this.#indexOf(from); i < this.#list.length; i++) {
      const { producerId, first } = this.#list[i]!
      if (first < to) found.push([producerId, first])
    }
    return found
  }

  /** Drops those that lie below an offset with their marker. */
  forgetBelow(offset: Offset): void {
    this.#list = this.#list.slice(this.#indexOf(offset))
  }

  /** Of the first whose marker is at an offset or behind it. */
  #indexOf(offset: Offset): number {
    let low = 0
    let high = this.#list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#list[middle]!.last >= offset) high = middle
      else low = middle + 1
    }
    return low
  }
}
