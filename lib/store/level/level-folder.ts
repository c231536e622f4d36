import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { Adoption, oneAtATime } from './adoption.js'
import { Damage } from '../files/damage.js'
import { LevelStore } from './level-store.js'
import { destroyLevel, storeFailed } from './leveldb.js'
import { slotPath, storePath, takeSlot, tasksIn, type Lock } from './slot.js'
import type { Rank, Store, StoreFolder } from '../store.js'

/**
 * The stores of one process under `<dataDir>/<app>/slot-<n>/task-<i>`. Takes the first slot that no living process holds:
 * several processes may share a dataDir, a restart finds its own state again, and a hung process blocks nobody.
 * Rejects with `OPTIONS_INVALID` (app cannot be a directory name) or `STORE_FAILED` (dataDir cannot be used).
 */
export async function levelFolder(options: {
  readonly dataDir: string
  readonly app: string
  readonly clock?: Clock
}): Promise<StoreFolder> {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(options.app)) {
    throw new MillraceError(
      'OPTIONS_INVALID',
      `id: '${options.app}' names a directory. Use letters, digits, '.', '_' and '-', not starting with '.'.`,
    )
  }
  const { clock = systemClock } = options
  const appPath = join(options.dataDir, options.app)
  await mkdir(appPath, { recursive: true }).catch((error: unknown) => {
    throw storeFailed(`data directory ${appPath}`, 'cannot be used', error)
  })
  return oneAtATime(appPath, clock, async () => {
    for (let slot = 0; ; slot++) {
      const location = slotPath(appPath, slot)
      const lock = await takeSlot(location)
      if (lock !== undefined) return new LevelFolder(location, lock, clock)
    }
  })
}

class LevelFolder implements StoreFolder {
  readonly location: string
  readonly #lock: Lock
  readonly #adoption: Adoption
  readonly #open = new Map<number, Promise<Store>>()
  /** Stores that were written from the beginning just now: the next opening need not look for damage. */
  readonly #fresh = new Set<number>()
  #closing: Promise<void> | undefined

  constructor(location: string, lock: Lock, clock: Clock) {
    this.location = location
    this.#lock = lock
    this.#adoption = new Adoption(location, clock)
  }

  async claim(task: number, rank: Rank): Promise<boolean> {
    this.#mustBeFree(task, 'claimed')
    try {
      await this.#adoption.claim(task, rank)
      return (await tasksIn(this.location)).includes(task)
    } catch (error) {
      throw storeFailed(`store ${this.#pathOf(task)}`, 'cannot be claimed', error)
    }
  }

  async open(task: number, options: { readonly purpose: 'live' | 'restore' }): Promise<Store> {
    this.#mustBeFree(task, 'opened')
    const path = this.#pathOf(task)
    const where = `store ${path}`
    const { purpose } = options
    const trusted = this.#fresh.delete(task)
    const opening = hasFiles(path, where).then((exists) =>
      LevelStore.open({ path, where, purpose, create: !exists, trusted }, () => this.#open.delete(task)),
    )
    this.#open.set(task, opening)
    try {
      const store = await opening
      if (purpose === 'restore') this.#fresh.add(task)
      return store
    } catch (error) {
      this.#open.delete(task)
      throw error
    }
  }

  async destroy(task: number): Promise<void> {
    this.#mustBeFree(task, 'removed')
    this.#fresh.delete(task)
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
      const tasks = new Set([...(await tasksIn(this.location)), ...(await this.#adoption.adoptable())])
      return [...tasks].sort((a, b) => a - b)
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
    await this.#adoption.idle().catch(() => undefined)
    await this.#lock.close()
    const failed = closed.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #pathOf(task: number): string {
    return storePath(this.location, task)
  }

  #mustBeFree(task: number, wish: 'claimed' | 'opened' | 'removed'): void {
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
    if ((await stat(path).catch(() => undefined))?.isDirectory() === false) throw new Damage('it is not a directory')
    await mkdir(path, { recursive: true })
    const names = await readdir(path)
    return names.some((name) => /^(CURRENT|MANIFEST-.*|.*\.(ldb|sst|log))$/.test(name))
  } catch (error) {
    throw storeFailed(where, 'cannot be opened', error)
  }
}
