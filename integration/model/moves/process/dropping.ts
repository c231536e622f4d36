import type { World } from '../../rules/world.js'
import { newCommit } from '../../state/commit.js'
import type { Flight, Process } from '../../state/process.js'
import type { Source } from '../../state/records.js'
import { newTask, type Task } from '../../state/task.js'
import { end } from '../broker/transactions.js'
import { closeStore } from './store.js'

/** The commit under way is aborted: both buffers go, every task goes back to what is committed. */
export function dropBoth(world: World, process: Process): void {
  if (process.inFlight?.tx !== undefined) end(world, process.inFlight.tx, 'aborted')
  process.inFlight = undefined
  if (world.broken['abort-drops-both'] === 'keeps-current') return
  takenBack(world, process)
  process.current = newCommit()
  for (const task of process.tasks.values()) {
    task.position = [...task.committed]
    task.sealed = task.committed
    task.sayings = task.sayingsSealed = task.sayingsCommitted
  }
}

/** The current buffer goes. Nothing of it was sent, so this is forgetting it. */
export function dropCurrent(world: World, process: Process): void {
  takenBack(world, process)
  process.current = newCommit()
  for (const task of process.tasks.values()) rewind(world, task)
}

/** What dropping less than the buffer would be: only these tasks. */
export function dropParts(world: World, process: Process, indexes: ReadonlySet<number>): void {
  const { parts, links } = process.current
  const kept = links.filter(([from, to]) => !indexes.has(from) && !indexes.has(to))
  links.splice(0, links.length, ...kept)
  for (const index of indexes) {
    parts.delete(index)
    const task = process.tasks.get(index)
    if (task !== undefined) rewind(world, task)
  }
}

/** These tasks, and those that records crossed to or from. */
export function withPartners(process: Process, indexes: Iterable<number>): Set<number> {
  const seeds = new Set(indexes)
  const all = new Set(seeds)
  for (const [from, to] of process.current.links) {
    if (seeds.has(from)) all.add(to)
    if (seeds.has(to)) all.add(from)
  }
  return all
}

/** Turns under way had begun with what is taken back, or are to be begun again. */
function takenBack(world: World, process: Process): void {
  if (world.broken['cut-off-lost'] !== 'taken-back') cutOff(world, process, () => true)
}

function cutOff(world: World, process: Process, isLost: (flight: Flight) => boolean): void {
  for (const [key, flight] of process.flights) {
    if (!isLost(flight)) continue
    process.flights.delete(key)
    world.counts.cutOff++
    world.say(() => `p${process.id}: the turn under way on key ${key} is cut off`)
  }
}

function rewind(world: World, task: Task): void {
  const wrong = world.broken['rewind-to-sealed']
  if (wrong === 'stay') return
  task.position = [...(wrong === 'committed' ? task.committed : task.sealed)]
  task.sayings = task.sayingsSealed
}

/** A task that is no longer ours, or is to be taken over anew. */
export function giveUp(world: World, process: Process, task: Task): void {
  closeStore(world, process, task)
  process.tasks.delete(task.index)
  if (world.broken['cut-off-lost'] !== 'task-gone') cutOff(world, process, (flight) => flight.task === task)
  for (const other of process.tasks.values()) for (const source of task.sources) other.gates.delete(source)
}

export function takeAnew(world: World, process: Process, index: number, sources: readonly Source[]): void {
  process.tasks.set(index, newTask(index, sources, world.inboxes[index]))
}

/**
 * No longer a member: all tasks go. A commit whose offsets were accepted before is finished, because only its answer says
 * how it ends.
 */
export function dropAll(world: World, process: Process): void {
  if (process.inFlight?.accepted !== true) dropBoth(world, process)
  process.current = newCommit()
  const held = [...process.tasks.values()]
  for (const task of held) giveUp(world, process, task)
  process.status = 'none'
  process.memberId = 0
  process.generation = -1
  process.quarantine.clear()
}

/** Fenced, or the outcome of a commit is unknown: keeps nothing but the stores, and takes every task over again. */
export function startAgain(world: World, process: Process, why: string): void {
  const { inFlight } = process
  if (inFlight?.tx !== undefined) end(world, inFlight.tx, 'aborted')
  newProducer(world, process)
  if (world.broken['ask-the-broker'] === 'assume-aborted') {
    world.say(() => `p${process.id}: ${why}: goes on from the last commit it knows of`)
    return dropBoth(world, process)
  }
  world.say(() => `p${process.id}: ${why}: drops everything and takes its tasks over again`)
  process.inFlight = undefined
  process.current = newCommit()
  process.quarantine.clear()
  const held = [...process.tasks.values()]
  for (const task of held) {
    giveUp(world, process, task)
    takeAnew(world, process, task.index, task.sources)
  }
}

export function newProducer(world: World, process: Process): void {
  process.producer = ++world.lastId
  process.fenced = false
  if (process.lastTx?.done === true) process.lastTx = undefined
}
