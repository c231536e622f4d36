import { check } from '../../checks/store.js'
import { violated } from '../../checks/violation.js'
import { pick } from '../../rng.js'
import type { World } from '../../rules/world.js'
import { highWatermark, type Partition } from '../../state/log.js'
import type { Change } from '../../state/objects.js'
import { runs, type Process } from '../../state/process.js'
import type { Pinned, Store, Task } from '../../state/task.js'

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
  store.positions = last.positions
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
  store.positions = commits.at(-1)?.positions
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
