import { MillraceError } from '../../core/errors.js'
import { MemoryStore } from './memory-store.js'
import { OrderedMap } from './ordered-map.js'
import type { Rank, Store, StoreFolder } from '../store.js'

/**
 * Stores that live as long as the folder object: for the embedded log and for tests. `close` closes the stores and keeps
 * what they hold, as a directory outlives a process; the folder can be used again afterwards.
 */
export function memoryFolder(): StoreFolder {
  return new MemoryFolder()
}

class MemoryFolder implements StoreFolder {
  readonly location = 'memory'
  readonly #contents = new Map<number, OrderedMap>()
  readonly #open = new Map<number, MemoryStore>()

  async claim(task: number, _rank: Rank): Promise<boolean> {
    return this.#contents.has(task)
  }

  async open(task: number, _options: { readonly purpose: 'live' | 'restore' }): Promise<Store> {
    this.#mustBeFree(task, 'opened')
    const entries = this.#contents.get(task) ?? new OrderedMap()
    const store = new MemoryStore(whereIs(task), entries, () => this.#open.delete(task))
    this.#contents.set(task, entries)
    this.#open.set(task, store)
    return store
  }

  async destroy(task: number): Promise<void> {
    this.#mustBeFree(task, 'removed')
    this.#contents.delete(task)
  }

  async tasks(): Promise<readonly number[]> {
    return [...this.#contents.keys()].sort((a, b) => a - b)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((store) => store.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #mustBeFree(task: number, wish: 'opened' | 'removed'): void {
    if (!this.#open.has(task)) return
    throw new MillraceError('STORE_FAILED', `${whereIs(task)}: it is open and cannot be ${wish}. Close it first.`)
  }
}

function whereIs(task: number): string {
  return `store memory/task-${task}`
}
