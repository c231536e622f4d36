import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { destroyLevel, isCorrupt, isGone, isLocked, openLevel, storeFailed, type LevelDatabase } from './leveldb.js'

/** Held until it is closed; the kernel lets go of it when its holder dies, however that happens. */
export type Lock = Pick<LevelDatabase, 'close'>

/** Where the stores of one process live, below the directory of the app. */
export const slotPath = (appPath: string, slot: number): string => join(appPath, `slot-${slot}`)

export const storePath = (slot: string, task: number): string => join(slot, `task-${task}`)

/** Takes a slot, which need not exist. Undefined when a process that is alive holds it, even one that hangs. */
export async function takeSlot(location: string): Promise<Lock | undefined> {
  try {
    await mkdir(location, { recursive: true })
    return await takeLock(join(location, 'lock'))
  } catch (error) {
    throw storeFailed(`slot ${location}`, 'cannot be used', error)
  }
}

/** Others may remove what is left of a dead holder while this process opens it; each time somebody has got on. */
const mostAttempts = 5
/** What is still missing then was not removed by others just now: a holder has died, or a disk has lost it. */
const passing = 2

/** The lock is the lock file of an empty LevelDB. Undefined when somebody holds it. */
export async function takeLock(path: string): Promise<Lock | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openLock(path)
    } catch (error) {
      if (isLocked(error)) return undefined
      if (attempt === mostAttempts || !(isCorrupt(error) || isGone(error))) throw error
      // Nothing is stored in it, so damage is no reason to give up the state in the slot beside it. Fails when another has it by now.
      if (isCorrupt(error) || attempt > passing) await destroyLevel(path).catch(() => undefined)
    }
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

/** The slots there are, free or not. */
export async function slotsIn(appPath: string): Promise<readonly string[]> {
  return (await numbered(appPath, /^slot-(\d+)$/)).map((slot) => slotPath(appPath, slot))
}

/** Tasks that have a store in a slot. */
export function tasksIn(slot: string): Promise<readonly number[]> {
  return numbered(slot, /^task-(\d+)$/)
}

async function numbered(path: string, name: RegExp): Promise<readonly number[]> {
  const names = await readdir(path)
  return names
    .flatMap((found) => name.exec(found)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}
