import type { Store, StoreBatch } from '../store/store.js'

/** What has to be known of a kind to list its objects. */
export interface ListedKind {
  readonly name: string
  /** When the object is due, as keys of `state/due.ts`: the store lists it under them. `stored` is an object as it is stored. */
  readonly dues?: ((key: string, stored: string) => readonly string[]) | undefined
}

/**
 * Objects on their way into a store, in one atomic batch. The list of what is due (see `state/due.ts`) is kept in step with
 * them: what an earlier version of an object was listed under goes when that version does, or an object whose timer is set
 * again and again would be listed once for each time.
 */
export class ObjectBatch {
  readonly #store: Store
  readonly #batch: StoreBatch
  /** Of listed objects, what this batch has for them so far: a changelog may have several versions of one. */
  readonly #written = new Map<string, string | undefined>()

  constructor(store: Store, batch: StoreBatch) {
    this.#store = store
    this.#batch = batch
  }

  /** `value`: as it is stored; null deletes the object. */
  write(kind: ListedKind, key: string, value: string | null): void {
    const stored = `${kind.name}\0${key}`
    if (kind.dues !== undefined) this.#list(kind.dues, key, stored, value ?? undefined)
    if (value === null) this.#batch.del(stored)
    else this.#batch.put(stored, value)
  }

  #list(dues: NonNullable<ListedKind['dues']>, key: string, stored: string, value: string | undefined): void {
    const before = this.#written.has(stored) ? this.#written.get(stored) : this.#store.get(stored)
    this.#written.set(stored, value)
    const listed = before === undefined ? [] : dues(key, before)
    const due = value === undefined ? [] : dues(key, value)
    for (const each of listed) if (!due.includes(each)) this.#batch.del(each)
    for (const each of due) if (!listed.includes(each)) this.#batch.put(each, '')
  }
}
