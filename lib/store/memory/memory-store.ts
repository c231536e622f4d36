import { MillraceError } from '../../core/errors.js'
import type { OrderedMap } from './ordered-map.js'
import type { Store, StoreBatch } from '../store.js'

/** A store in memory: an open handle on entries that its folder keeps. */
export class MemoryStore implements Store {
  readonly #where: string
  readonly #entries: OrderedMap
  readonly #onClose: () => void
  #batch: MemoryBatch | undefined
  #closing: Promise<void> | undefined

  constructor(where: string, entries: OrderedMap, onClose: () => void) {
    this.#where = where
    this.#entries = entries
    this.#onClose = onClose
  }

  get(key: string): string | undefined {
    this.#mustBeOpen()
    return this.#entries.get(key)
  }

  batch(): StoreBatch {
    this.#mustBeOpen()
    if (this.#batch !== undefined) {
      throw new MillraceError(
        'STORE_FAILED',
        `${this.#where}: a batch is open already. Await its write before starting another; they would not be in order.`,
      )
    }
    this.#batch = new MemoryBatch(
      () => this.#mustBeOpen(),
      (changes) => this.#apply(changes),
    )
    return this.#batch
  }

  #apply(changes: readonly Change[]): void {
    this.#batch = undefined
    for (const [key, value] of changes) {
      if (value === undefined) this.#entries.delete(key)
      else this.#entries.set(key, value)
    }
  }

  entries(range: {
    readonly from: string
    readonly to: string
    readonly limit?: number
  }): AsyncIterable<readonly [string, string]> {
    this.#mustBeOpen()
    const found = this.#entries.between(range.from, range.to, range.limit ?? Infinity)
    return this.#walk(found)
  }

  async *#walk(
    found: readonly (readonly [string, string])[],
  ): AsyncGenerator<readonly [string, string], void, undefined> {
    for (const entry of found) {
      this.#mustBeOpen()
      yield entry
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#batch?.written
    this.#onClose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #mustBeOpen(): void {
    if (this.#closing === undefined) return
    throw new MillraceError('STORE_FAILED', `${this.#where}: it was closed. Open it again before using it.`)
  }
}

type Change = readonly [key: string, value: string | undefined]

class MemoryBatch implements StoreBatch {
  readonly #mustBeOpen: () => void
  readonly #apply: (changes: readonly Change[]) => void
  readonly #changes: Change[] = []
  /** Set once `write` was called. */
  written: Promise<void> | undefined

  constructor(mustBeOpen: () => void, apply: (changes: readonly Change[]) => void) {
    this.#mustBeOpen = mustBeOpen
    this.#apply = apply
  }

  put(key: string, value: string): void {
    this.#add([key, value])
  }

  del(key: string): void {
    this.#add([key, undefined])
  }

  #add(change: Change): void {
    this.#mustBeOpen()
    if (this.written !== undefined) {
      throw new MillraceError('STORE_FAILED', `'${change[0]}': its batch was written already. Start another batch.`)
    }
    this.#changes.push(change)
  }

  write(_options: { readonly sync: boolean }): Promise<void> {
    this.written ??= this.#write()
    return this.written
  }

  async #write(): Promise<void> {
    this.#mustBeOpen()
    // As with a disk: nothing is there yet when the call returns.
    await Promise.resolve()
    this.#apply(this.#changes)
  }
}
