import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import { LevelStore } from './level-store.js'
import { destroyLevel, storeFailed } from './leveldb.js'
import { slotsIn, storePath, takeLock, takeSlot, tasksIn, type Lock } from './slot.js'
import type { Rank } from '../store.js'

/** Who looks through the slots of others holds them only so long; after this he must hang, and one goes on without. */
const patienceMs = 2_000
const lookAgainMs = 10

/**
 * Runs `work` while no other process looks through the slots of an app. Looking means taking their locks: without this a
 * slot that another process just looks into would pass for one whose process is alive, and its stores would be restored for nothing.
 */
export async function oneAtATime<T>(appPath: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  const lock = await lockOf(appPath, clock)
  try {
    return await work()
  } finally {
    await lock?.close()
  }
}

export const adoptingPath = (appPath: string): string => join(appPath, 'adopting')

async function lockOf(appPath: string, clock: Clock): Promise<Lock | undefined> {
  const path = adoptingPath(appPath)
  try {
    let lock = await takeLock(path)
    for (let waited = 0; lock === undefined && waited < patienceMs; waited += lookAgainMs) {
      await clock.sleep(lookAgainMs)
      lock = await takeLock(path)
    }
    return lock
  } catch (error) {
    throw storeFailed(`lock ${path}`, 'cannot be taken', error)
  }
}

/** Brings stores from slots whose processes have ended into the slot of this one. */
export class Adoption {
  readonly #slot: string
  readonly #clock: Clock
  #wanted = new Map<number, Rank>()
  #next: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(slot: string, clock: Clock) {
    this.#slot = slot
    this.#clock = clock
  }

  /** Afterwards the slot holds the best store there is of a task. Many tasks at once cost one look at the slots. */
  async claim(task: number, rank: Rank): Promise<void> {
    if (!(await this.#othersHave(task))) return
    this.#wanted.set(task, rank)
    this.#next ??= this.#running.then(() => this.#run())
    return this.#next
  }

  /** Tasks with a store in a slot that is free now. */
  async adoptable(): Promise<readonly number[]> {
    const others = await this.#otherSlots()
    if ([...others.values()].every((tasks) => tasks.length === 0)) return []
    return this.#withFree(
      () => true,
      async (free) => [...free.values()].flat(),
    )
  }

  /** Resolves when nothing is being moved. */
  idle(): Promise<void> {
    return this.#next ?? this.#running
  }

  async #othersHave(task: number): Promise<boolean> {
    return [...(await this.#otherSlots()).values()].some((tasks) => tasks.includes(task))
  }

  #run(): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = new Map()
    this.#next = undefined
    const run = this.#withFree(
      (tasks) => tasks.some((task) => wanted.has(task)),
      async (free) => {
        const own = await tasksIn(this.#slot)
        for (const [task, rank] of wanted) {
          const left = [...free].filter(([, tasks]) => tasks.includes(task)).map(([slot]) => slot)
          await this.#adopt(task, rank, own.includes(task) ? [this.#slot, ...left] : left)
        }
      },
    )
    this.#running = run.catch(() => undefined)
    return run
  }

  /** Moves the best of several stores here. It is in one place or the other at any moment: a directory is renamed at once. */
  async #adopt(task: number, rank: Rank, places: readonly string[]): Promise<void> {
    const best = places.length < 2 ? places[0] : await bestOf(task, rank, places)
    if (best === undefined || best === this.#slot) return
    const path = storePath(this.#slot, task)
    // What is here is worse, or an empty directory.
    await destroyLevel(path)
    await rm(path, { recursive: true, force: true })
    await rename(storePath(best, task), path)
  }

  /** Takes the free slots among those that `isWanted`, so that no process starts in them, while `work` runs. */
  async #withFree<T>(
    isWanted: (tasks: readonly number[]) => boolean,
    work: (free: ReadonlyMap<string, readonly number[]>) => Promise<T>,
  ): Promise<T> {
    return oneAtATime(dirname(this.#slot), this.#clock, async () => {
      const locks: Lock[] = []
      try {
        const free = new Map<string, readonly number[]>()
        for (const [slot, tasks] of await this.#otherSlots()) {
          const lock = isWanted(tasks) ? await takeSlot(slot).catch(() => undefined) : undefined
          if (lock === undefined) continue
          locks.push(lock)
          free.set(slot, await tasksIn(slot))
        }
        return await work(free)
      } finally {
        await Promise.all(locks.map((lock) => lock.close()))
      }
    })
  }

  /** All slots but this one, with the tasks they have stores of. One that cannot be read has nothing to adopt. */
  async #otherSlots(): Promise<ReadonlyMap<string, readonly number[]>> {
    const slots = (await slotsIn(dirname(this.#slot))).filter((slot) => slot !== this.#slot)
    const stores = await Promise.all(slots.map(async (slot) => [slot, await tasksIn(slot).catch(() => [])] as const))
    return new Map(stores)
  }
}

/** The slot whose store of a task ranks highest; the first of those that rank alike, or that are all of no use. */
async function bestOf(task: number, rank: Rank, slots: readonly string[]): Promise<string | undefined> {
  let best = slots[0]
  let highest = -1
  for (const slot of slots) {
    const path = storePath(slot, task)
    const height = (await rankOf(path, rank)) ?? -1
    if (height <= highest) continue
    best = slot
    highest = height
  }
  return best
}

async function rankOf(path: string, rank: Rank): Promise<number | undefined> {
  try {
    await using store = await LevelStore.open(
      { path, where: `store ${path}`, purpose: 'live', create: false },
      () => undefined,
    )
    return rank(store)
  } catch {
    // Whoever opens it for use will say what is wrong with it.
    return undefined
  }
}
