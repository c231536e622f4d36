import { check } from '../../checks/store.js'
import { missesTombstones, tooOld } from '../../rules/age.js'
import type { World } from '../../rules/world.js'
import { highWatermark, lastStableOffset, type Partition } from '../../state/log.js'
import type { Change } from '../../state/objects.js'
import { runs, type Process } from '../../state/process.js'
import { newStore, type Store } from '../../state/task.js'
import { applyPiece } from './takeover.js'

/**
 * A standby of a task that is not held here follows its changelog into a store of its own. It is as young as the question where the
 * changelog ends, once it has come there. Any process may stand by for any task, whatever the assignment says.
 */
export function followChangelog(world: World, process: Process, x: number): boolean {
  if (!world.config.standbys || !runs(process)) return false
  const index = x % world.shape.stateTasks
  const changelog = world.changelogs[index]
  // The store of a task that is held is not opened a second time.
  if (changelog === undefined || process.tasks.has(index)) return false
  const store = process.stores.get(index)
  if (store === undefined) return begin(world, process, index)
  if (!process.standing.has(index)) process.standing.set(index, { goal: undefined })
  return (x & 48) === 0
    ? look(world, process, index, store, changelog)
    : readOn(world, process, index, store, changelog, x)
}

function begin(world: World, process: Process, index: number): boolean {
  process.stores.set(index, newStore(world.now))
  process.standing.set(index, { goal: undefined })
  return true
}

/** Asks where the changelog ends, and whether the store is still young enough to be rolled forward at all. */
function look(world: World, process: Process, index: number, store: Store, changelog: Partition<Change>): boolean {
  const standing = process.standing.get(index)
  if (standing === undefined) return false
  if (missesTombstones(world, store, highWatermark(changelog)) && world.broken['standby-age'] !== 'unchecked') {
    world.say(() => `p${process.id}: its standby of task ${index} is too old and begins anew`)
    return begin(world, process, index)
  }
  if (standing.goal !== undefined) return false
  standing.goal = { end: highWatermark(changelog), askedAt: world.now }
  world.say(
    () =>
      `p${process.id}: its standby of task ${index} is at ${store.offset}, ${changelog.name} ends at ${highWatermark(changelog)}`,
  )
  atGoal(process, index, store)
  return true
}

function readOn(
  world: World,
  process: Process,
  index: number,
  store: Store,
  changelog: Partition<Change>,
  x: number,
): boolean {
  const uncommitted = world.broken['standby-committed'] === 'uncommitted'
  const end = uncommitted ? highWatermark(changelog) : lastStableOffset(changelog)
  if (store.offset >= end) return false
  // Looks at the age again: once it has caught up nobody could tell that it had missed deletions.
  const wrong = world.broken['standby-age']
  if (tooOld(world, store.at) && wrong !== 'unchecked' && wrong !== 'when-asked') {
    world.say(() => `p${process.id}: its standby of task ${index} is too old to read on and begins anew`)
    return begin(world, process, index)
  }
  applyPiece(world, index, store, changelog, Math.min(end, store.offset + 1 + ((x >> 6) % 6)), uncommitted)
  if (wrong === 'every-piece') store.at = world.now
  world.say(() => `p${process.id}: its standby of task ${index} reads up to ${store.offset}`)
  atGoal(process, index, store)
  check(world, index, store)
  return true
}

function atGoal(process: Process, index: number, store: Store): void {
  const standing = process.standing.get(index)
  const goal = standing?.goal
  if (standing === undefined || goal === undefined || store.offset < goal.end) return
  standing.goal = undefined
  store.at = Math.max(store.at, goal.askedAt)
}
