import { newerState } from './state-version.js'
import type { TaskState } from './task-state.js'

/** Of each kind this many objects are looked at, the first in the store, or fewer of so many characters. */
const sampleObjects = 200
const sampleLength = 1 << 20

/**
 * Refuses state that this program cannot go on with, before its task runs. Throws `STATE_NEWER` when a newer version of a
 * kind has written to it, by what the store notes of itself, and `STATE_UNREADABLE` when one of a sample of objects does not
 * fit its schema, cannot be migrated, or is damaged. Others are found when they are loaded. The sample is not looked at
 * where `isKnown` says that this process has done so before.
 */
export async function demandUsable(state: TaskState, isKnown: boolean): Promise<void> {
  const { versions = {} } = state.rolling.meta
  for (const { kind } of state.tables) {
    const { name, version: known = 1 } = kind
    const version = versions[name] ?? 1
    if (version > known) throw newerState(`state object ${name}, task ${state.task}`, version, known, { kind: name })
  }
  if (isKnown) return
  for (const table of state.tables) await table.demandReadable(sampleObjects, sampleLength)
}
