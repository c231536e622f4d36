import { createHash } from 'node:crypto'

/** Records of a topic as a number and a hash: the same for two readers exactly when both saw the same, in the same order per partition. */
export class Digest {
  readonly #partitions = new Map<number, ReturnType<typeof createHash>>()
  #records = 0

  add(record: {
    readonly partition: number
    readonly offset: number | bigint
    readonly key: string | null
    readonly value: string
  }): void {
    let hash = this.#partitions.get(record.partition)
    if (hash === undefined) this.#partitions.set(record.partition, (hash = createHash('sha256')))
    hash.update(`${record.offset} ${record.key} ${record.value}\n`)
    this.#records++
  }

  /** Call once. */
  get result(): { readonly records: number; readonly hashes: readonly string[] } {
    const inOrder = [...this.#partitions].sort(([a], [b]) => a - b)
    return { records: this.#records, hashes: inOrder.map(([partition, hash]) => `${partition} ${hash.digest('hex')}`) }
  }
}
