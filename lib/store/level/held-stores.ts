import { rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { Store } from '../store.js'
import { adoptingPath, oneAtATime } from './adoption.js'
import { LevelStore } from './level-store.js'
import { destroyLevel, storeFailed } from './leveldb.js'
import { slotsIn, storePath, takeSlot, tasksIn, type Lock } from './slot.js'

/** A store on disk whose process has ended. */
export interface StoppedStore {
  readonly task: number
  readonly path: string
}

/** All stores that an app has under a `dataDir`, held: no process starts in them meanwhile. */
export interface HeldStores extends AsyncDisposable {
  readonly location: string
  readonly stores: readonly StoppedStore[]
  /** Opens one, to be read. Rejects with `STORE_DAMAGED` and `STORE_FAILED`. */
  open(store: StoppedStore): Promise<Store>
  /** Removes all of them. */
  remove(): Promise<void>
}

/** Rejects with `STORE_FAILED` when a process has one of them open, or the directory cannot be used. One that is not there has none. */
export async function holdStores(dataDir: string, app: string): Promise<HeldStores> {
  const location = join(dataDir, app)
  const exists = (await stat(location).catch(() => undefined))?.isDirectory() === true
  if (!exists) return new Held(location, new Map(), [])
  return oneAtATime(location, systemClock, async () => {
    const locks = new Map<string, Lock>()
    const stores: StoppedStore[] = []
    try {
      for (const slot of await slotsIn(location)) {
        const lock = await takeSlot(slot)
        if (lock === undefined) throw inUse(slot)
        locks.set(slot, lock)
        for (const task of await tasksIn(slot)) stores.push({ task, path: storePath(slot, task) })
      }
      return new Held(location, locks, stores)
    } catch (error) {
      for (const lock of locks.values()) await lock.close()
      throw MillraceError.is(error) ? error : storeFailed(`stores ${location}`, 'cannot be listed', error)
    }
  })
}

class Held implements HeldStores {
  readonly location: string
  readonly stores: readonly StoppedStore[]
  readonly #locks: Map<string, Lock>

  constructor(location: string, locks: Map<string, Lock>, stores: readonly StoppedStore[]) {
    this.location = location
    this.#locks = locks
    this.stores = stores
  }

  open({ path }: StoppedStore): Promise<Store> {
    return LevelStore.open({ path, where: `store ${path}`, purpose: 'live', create: false }, () => undefined)
  }

  async remove(): Promise<void> {
    try {
      for (const { path } of this.stores) {
        await destroyLevel(path)
        await rm(path, { recursive: true, force: true })
      }
      for (const [slot, lock] of this.#locks) {
        // Not before: who takes it may open any store in it.
        await lock.close()
        this.#locks.delete(slot)
        await rm(slot, { recursive: true, force: true })
      }
      await removeEmpty(this.location)
    } catch (error) {
      throw storeFailed(`stores ${this.location}`, 'cannot be removed', error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lock of this.#locks.values()) await lock.close()
    this.#locks.clear()
  }
}

/** Nothing but what this process left while it looked: it goes, unless somebody uses it. */
async function removeEmpty(location: string): Promise<void> {
  const lock = adoptingPath(location)
  await destroyLevel(lock).catch(() => undefined)
  for (const path of [lock, location]) await rmdir(path).catch(() => undefined)
}

function inUse(slot: string): MillraceError {
  return new MillraceError('STORE_FAILED', `stores ${slot}: a process that is alive has them open. Stop it first.`)
}
