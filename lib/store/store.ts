/**
 * The local store of one task: an ordered map of strings, written in atomic batches. `LevelStore` and `MemoryStore` pass
 * one contract suite. It holds nothing that is not in a committed transaction.
 */
export interface Store extends AsyncDisposable {
  /** The value last written; undefined when there is none. Synchronous: it is on the record path. */
  get(key: string): string | undefined
  /**
   * Starts one atomic write. Only one may be open at a time: until its write has settled, another call throws
   * `STORE_FAILED`, because two running writes have no order.
   */
  batch(): StoreBatch
  /** Entries with `from <= key < to` in key order (`compareKeys`: by UTF-8 bytes), as of the call. To be read to the end or left by `break`. */
  entries(range: {
    readonly from: string
    readonly to: string
    readonly limit?: number
  }): AsyncIterable<readonly [string, string]>
  /** Closes the store; awaits a running write and drops a batch that was not written. Calling twice is allowed. */
  close(): Promise<void>
}

/** Collects changes outside the JavaScript heap; they become visible all at once, by `write`, at the latest when it resolves. */
export interface StoreBatch {
  put(key: string, value: string): void
  del(key: string): void
  /**
   * Rejects with `STORE_FAILED`; then nothing of the batch was written. `sync: false` survives the death of the process,
   * `sync: true` that of the machine.
   */
  write(options: { readonly sync: boolean }): Promise<void>
}

/** How good a store is: of two, the one with the higher number is kept; undefined when it is of no use. */
export type Rank = (store: Store) => number | undefined

/** Where the stores of one process live. */
export interface StoreFolder extends AsyncDisposable {
  /** Shown in logs and errors. */
  readonly location: string
  /**
   * Whether there is a store of a task, which is not open here. One that a process which has ended left behind is adopted: it is
   * this folder's from then on. Where there are several, `rank` says which.
   */
  claim(task: number, rank: Rank): Promise<boolean>
  /** Opens the store of a task; an empty one when there is none. Rejects with `STORE_DAMAGED` when its files cannot be read, with `STORE_FAILED` for other reasons. */
  open(task: number, options: { readonly purpose: 'live' | 'restore' }): Promise<Store>
  /** Removes the store of a task, which must be closed; there may be none. */
  destroy(task: number): Promise<void>
  /** Tasks that have a store here, or one that could be claimed now. */
  tasks(): Promise<readonly number[]>
  /** Closes what is open and gives the place back. Calling twice is allowed. */
  close(): Promise<void>
}
