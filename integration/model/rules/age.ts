import type { Store } from '../state/task.js'
import type { World } from './world.js'

export function tooOld(world: World, at: number): boolean {
  return world.now - at >= world.config.retention
}

/**
 * Whether tombstones behind what the store has may be gone. Not when nothing was written: a single offset behind it is a marker, or
 * a record whose marker is still to come, and that is not cleaned.
 */
export function missesTombstones(world: World, store: Store, end: number): boolean {
  return end - store.offset > 1 && tooOld(world, store.at)
}
