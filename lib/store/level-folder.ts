import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../core/errors.js'
import { LevelStore } from './level-store.js'
import { destroyLevel, isCorrupt, isLocked, openLevel, storeFailed, type LevelDatabase } from './leveldb.js'
import type { Store, StoreFolder } from './store.js'

/**
 * The stores of one process under `<dataDir>/<app>/slot-<n>/task-<i>`. Takes the first slot that no living process holds:
 * several processes may share a dataDir, a restart finds its own state again, and a hung process blocks nobody.
 * Rejects with `OPTIONS_INVALID` (app cannot be a directory name) or `STORE_FAILED` (dataDir cannot be used).
 */
export async function levelFolder(options: { readonly dataDir: string; readonly app: string }): Promise<StoreFolder> {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(options.app)) {
    throw new MillraceError(
      'OPTIONS_INVALID',
      `id: '${options.app}' names a directory. Use letters, digits, '.', '_' and '-', not starting with '.'.`,
    )
  }
  for (let slot = 0; ; slot++) {
    const location = join(options.dataDir, options.app, `slot-${slot}`)
    const lock = await takeSlot(location)
    if (lock !== undefined) return new LevelFolder(location, lock)
  }
}

/**
 * The lock of a slot is the lock file of an empty LevelDB: the kernel frees it when its holder dies, however that
 * happens. Undefined when somebody holds it.
 */
async function takeSlot(location: string): Promise<LevelDatabase | undefined> {
  const path = join(location, 'lock')
  try {
    await mkdir(location, { recursive: true })
    return await openLock(path).catch(async (error: unknown) => {
      // Nothing is stored in it, so damage is no reason to give up the state in the slot beside it.
      if (!isCorrupt(error)) throw error
      await destroyLevel(path)
      return openLock(path)
    })
  } catch (error) {
    if (isLocked(error)) return undefined
    throw storeFailed(`slot ${location}`, 'cannot be used', error)
  }
}

function openLock(path: string): Promise<LevelDatabase> {
  const smallest = 64 * 1024
  return openLevel(path, {
    createIfMissing: true,
    compression: false,
    writeBufferSize: smallest,
    maxFileSize: smallest,
    cacheSize: smallest,
  })
}

class LevelFolder implements StoreFolder {
  readonly location: string
  readonly #lock: LevelDatabase
  readonly #open = new Map<number, Promise<Store>>()
  #closing: Promise<void> | undefined

  constructor(location: string, lock: LevelDatabase) {
    this.location = location
    this.#lock = lock
  }

  async open(task: number, options: { readonly purpose: 'live' | 'restore' }): Promise<Store> {
    this.#mustBeFree(task, 'opened')
    const path = this.#pathOf(task)
    const where = `store ${path}`
    const opening = hasFiles(path, where).then((exists) =>
      LevelStore.open({ path, where, purpose: options.purpose, create: !exists }, () => this.#open.delete(task)),
    )
    this.#open.set(task, opening)
    try {
      return await opening
    } catch (error) {
      this.#open.delete(task)
      throw error
    }
  }

  async destroy(task: number): Promise<void> {
    this.#mustBeFree(task, 'removed')
    const path = this.#pathOf(task)
    try {
      // Under LevelDB's own lock first, so that a store somebody has open is refused and not pulled away.
      await destroyLevel(path)
      await rm(path, { recursive: true, force: true })
    } catch (error) {
      throw storeFailed(`store ${path}`, 'cannot be removed', error)
    }
  }

  async tasks(): Promise<readonly number[]> {
    this.#mustBeOpen()
    try {
      const names = await readdir(this.location)
      return names
        .flatMap((name) => /^task-(\d+)$/.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((a, b) => a - b)
    } catch (error) {
      throw storeFailed(`slot ${this.location}`, 'cannot be listed', error)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // The slot is given back last: whoever takes it may open any store in it. One that did not open needs no closing.
    const opened = await Promise.allSettled(this.#open.values())
    const stores = opened.flatMap((store) => (store.status === 'fulfilled' ? store.value : []))
    const closed = await Promise.allSettled(stores.map((store) => store.close()))
    await this.#lock.close()
    const failed = closed.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #pathOf(task: number): string {
    return join(this.location, `task-${task}`)
  }

  #mustBeFree(task: number, wish: 'opened' | 'removed'): void {
    this.#mustBeOpen()
    if (!this.#open.has(task)) return
    const what = `store ${this.#pathOf(task)}: it is open and cannot be ${wish}. Close it first.`
    throw new MillraceError('STORE_FAILED', what)
  }

  #mustBeOpen(): void {
    if (this.#closing === undefined) return
    throw new MillraceError(
      'STORE_FAILED',
      `slot ${this.location}: it was closed and may belong to another process now.`,
    )
  }
}

/**
 * Whether a store was here. LevelDB takes a directory without its CURRENT file for a new one and would start empty over
 * the tables of the old; so only a directory without data files may be made anew.
 */
async function hasFiles(path: string, where: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true })
    const names = await readdir(path)
    return names.some((name) => /^(CURRENT|MANIFEST-.*|.*\.(ldb|sst|log))$/.test(name))
  } catch (error) {
    throw storeFailed(where, 'cannot be opened', error)
  }
}
