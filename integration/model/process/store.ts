import { apply, foldOf, highWatermark, isCommitted, lastStableOffset, type Partition } from '../broker/partition.js'
import { same } from '../truth.js'
import { violated, type Change, type World } from '../world.js'
import { pick, runs, type Pinned, type Process, type Store, type Task } from './memory.js'

/** Write-behind: some commits of one task, whole and in order, reach its store. */
export function flush(world: World, process: Process, x: number): boolean {
  if (!runs(process)) return false
  if (process.late.length > 0 && x & 1) {
    const { task, pinned } = process.late.shift() as Process['late'][number]
    const store = process.stores.get(task)
    if (store !== undefined) write(world, process, task, store, pinned)
    return true
  }
  const task = pick(
    [...process.tasks.values()].filter(({ pinned }) => pinned.length > 0),
    x,
  )
  const store = task && process.stores.get(task.index)
  if (task === undefined || store === undefined) return false
  const commits = task.pinned.splice(0, 1 + ((x >> 4) % task.pinned.length))
  if (world.broken['one-batch'] === 'offset-first') return writeOffsetFirst(world, process, task, store, commits, x)
  write(world, process, task.index, store, commits)
  check(world, task.index, store)
  return true
}

/** A lost task's commits are written before its store closes. */
export function closeStore(world: World, process: Process, task: Task): void {
  const store = process.stores.get(task.index)
  if (store === undefined || task.pinned.length === 0) return
  const pinned = task.pinned.splice(0)
  if (world.broken['flush-before-close'] === 'late') process.late.push({ task: task.index, pinned })
  else write(world, process, task.index, store, pinned)
}

function write(world: World, process: Process, task: number, store: Store, commits: readonly Pinned[]): void {
  const last = commits.at(-1) as Pinned
  store.offset = offsetAfter(world, task, last)
  store.at = last.at
  world.say(
    () =>
      `p${process.id}: writes ${commits.length} commits of task ${task} to its store, changelog offset ${store.offset}`,
  )
  writeState(store, commits)
}

function writeState(store: Store, commits: readonly Pinned[]): void {
  for (const { tx, changes } of commits) {
    if (tx.state !== 'committed') violated('the local store is ahead of the log')
    for (const [key, state] of changes) {
      if (state === null) store.data.delete(key)
      else store.data.set(key, state)
    }
  }
}

function offsetAfter(world: World, task: number, last: Pinned): number {
  const wrong = world.broken['own-append'] === 'log-end'
  return wrong ? highWatermark(world.changelogs[task] as Partition<Change>) : last.end
}

function writeOffsetFirst(
  world: World,
  process: Process,
  task: Task,
  store: Store,
  commits: readonly Pinned[],
  x: number,
): boolean {
  store.offset = offsetAfter(world, task.index, commits.at(-1) as Pinned)
  world.say(() => `p${process.id}: writes changelog offset ${store.offset} of task ${task.index} to its store`)
  if (x & 256) return crash(world, process)
  world.say(() => `p${process.id}: writes the state of ${commits.length} commits of task ${task.index} to its store`)
  writeState(store, commits)
  return true
}

/** Nothing is written any more; transactions stay open, and the group does not know yet. */
export function crash(world: World, process: Process): boolean {
  if (!process.up) return false
  world.say(() => `p${process.id}: crashes`)
  process.up = false
  process.paused = false
  process.late = []
  for (const task of process.tasks.values()) task.pinned = []
  return true
}

/**
 * Rolled forward, a store that is young enough to be used must be what its changelog says. Not before: of what was overwritten later the
 * cleaner leaves nothing to be read, and a process may be taking over a task that has moved on already.
 */
export function check(world: World, task: number, store: Store): void {
  if (tooOld(world, store.at)) return
  const changelog = world.changelogs[task] as Partition<Change>
  const end = Math.max(store.offset, lastStableOffset(changelog))
  const rolled = new Map(store.data)
  for (let offset = store.offset; offset < end; offset++) {
    const entry = changelog.log[offset]
    if (isCommitted(entry)) apply(rolled, entry?.data as Change)
  }
  if (same(rolled, foldOf(changelog, end))) return
  violated(
    `the store of task ${task}, at offset ${store.offset}, does not become what its changelog says when rolled forward`,
  )
}

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
