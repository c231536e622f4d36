import { check } from '../../checks/store.js'
import { pick } from '../../rng.js'
import { missesTombstones, tooOld } from '../../rules/age.js'
import type { World } from '../../rules/world.js'
import {
  apply,
  highWatermark,
  isCommitted,
  lastStableOffset,
  type Client,
  type Input,
  type Partition,
} from '../../state/log.js'
import { positionsKey, type Change, type Positions } from '../../state/objects.js'
import { runs, type Process } from '../../state/process.js'
import { newStore, type Store, type Task } from '../../state/task.js'
import { fence } from '../broker/transactions.js'
import { crash } from './store.js'

/** The next step of a takeover: fence, stable offsets, end of the changelog, roll forward. Never in another order. */
export function takeoverStep(world: World, process: Process, x: number): boolean {
  if (!runs(process)) return false
  const task = pick(
    [...process.tasks.values()].filter(({ stage }) => stage !== 'running'),
    x,
  )
  if (task === undefined) return false
  const changelog = world.changelogs[task.index % world.shape.stateTasks] as Partition<Change>
  const hasState = task.index < world.shape.stateTasks
  switch (task.stage) {
    case 'fence':
      if (x & 32) fenceOthers(world, process)
      if (world.broken['end-after-offsets']) task.end = highWatermark(changelog)
      task.stage = 'offsets'
      return true
    case 'offsets':
      return fetchOffsets(world, process, task)
    case 'end':
      return (hasState ? openStore : findEnd)(world, process, task, changelog)
    case 'restore':
      return (hasState ? rollForward : findPositions)(world, process, task, changelog, x)
    case 'running':
      return false
  }
}

/** Saves the time-out of a dead owner's transaction; nothing relies on it, and it may hit who lives. */
function fenceOthers(world: World, process: Process): void {
  if (world.config.fence === 'nobody') return
  const members: readonly Client[] = [...world.group.members.values()].map((member) => member.process)
  const open = [...world.open]
  for (const tx of open) {
    const lives = members.includes(tx.process) && tx.process.producer === tx.producer
    if (lives && world.config.fence !== 'anybody') continue
    world.say(() => `p${process.id}: fences the producer of transaction ${tx.id} of p${tx.process.id}`)
    fence(world, tx)
  }
}

function fetchOffsets(world: World, process: Process, task: Task): boolean {
  const { committed, pending } = world.group
  const isPending = (input: Input): boolean => [...pending].some(({ offsets }) => offsets?.has(input) === true)
  if (world.broken['stable-offsets'] === undefined && task.inputs.some(isPending)) return false
  task.position = task.inputs.map((input) => committed.get(input) ?? -1)
  task.sealed = task.committed = [...task.position]
  world.say(() => `p${process.id}: offsets of task ${task.index} are fetched: ${placesOf(task)}`)
  if (task.index < world.shape.stateTasks || task.position.includes(-1)) task.stage = 'end'
  else run(world, process, task, undefined)
  return true
}

const placesOf = ({ inputs, position }: Task): string => inputs.map(({ name }, i) => `${name}:${position[i]}`).join(' ')

/** Where the group has no offset it goes on where the state was committed, or begins. */
function run(world: World, process: Process, task: Task, kept: Positions | undefined): void {
  const wrong = world.broken['positions-with-state']
  const keptOf = ({ name }: Input): number => (wrong === 'none' ? 0 : (kept?.get(name) ?? 0))
  task.position = task.inputs.map((input, i) =>
    task.position[i] === -1 ? keptOf(input) : (task.position[i] as number),
  )
  task.sealed = task.committed = [...task.position]
  task.stage = 'running'
  world.say(() => `p${process.id}: task ${task.index} runs from ${placesOf(task)}`)
}

function findEnd(world: World, process: Process, task: Task, changelog: Partition<Change>): boolean {
  task.end = highWatermark(changelog)
  task.stage = 'restore'
  world.say(
    () => `p${process.id}: looks for the positions of task ${task.index} below ${task.end} of ${changelog.name}`,
  )
  return true
}

/** A task without state has no store: what it left in the changelog of another one is looked for when it is needed. */
function findPositions(world: World, process: Process, task: Task, changelog: Partition<Change>): boolean {
  if (lastStableOffset(changelog) < task.end) return false // Waits for markers.
  const found = changelog.log
    .slice(0, task.end)
    .findLast((entry) => isCommitted(entry) && entry?.data?.key === positionsKey(task.index))
  run(world, process, task, found?.data?.positions)
  return true
}

function openStore(world: World, process: Process, task: Task, changelog: Partition<Change>): boolean {
  if (world.broken['end-after-offsets'] === undefined) {
    task.end = world.broken['end-uncommitted'] === 'lso' ? lastStableOffset(changelog) : highWatermark(changelog)
  }
  const found = process.stores.get(task.index)
  const old =
    found !== undefined && missesTombstones(world, found, task.end) && !agesUnchecked(world, process, task.index)
  if (old)
    world.say(() => `p${process.id}: the store of task ${task.index} is too old, it is restored from the beginning`)
  const store: Store = found === undefined || old ? newStore(world.now) : found
  process.stores.set(task.index, store)
  if (store.offset > 0) world.counts.rolledForward++
  if (store.offset > 0 && process.standing.has(task.index)) world.counts.fromStandby++
  // One that is old and misses nothing is as young as this moment.
  task.storeAt = task.end - store.offset > 1 ? store.at : world.now
  task.beganAt = world.now
  task.stage = 'restore'
  world.say(() => `p${process.id}: ${changelog.name} ends at ${task.end}, the store is at ${store.offset}`)
  return true
}

function agesUnchecked(world: World, process: Process, task: number): boolean {
  if (world.broken['age-at-open'] === 'unchecked') return true
  return world.broken['standby-age'] === 'trusted' && process.standing.has(task)
}

function rollForward(world: World, process: Process, task: Task, changelog: Partition<Change>, x: number): boolean {
  const store = process.stores.get(task.index)
  if (store === undefined) {
    task.stage = 'end'
    return true
  }
  const uncommitted = world.broken['restore-committed'] === 'uncommitted'
  const readable = Math.min(task.end, uncommitted ? task.end : lastStableOffset(changelog))
  const old = tooOld(world, task.storeAt) && !agesUnchecked(world, process, task.index)
  const wrong = world.broken['age-while-reading']
  if (store.offset < readable) {
    if (old && wrong === undefined) return beginAnew(world, process, task)
    applyPiece(world, task.index, store, changelog, Math.min(readable, store.offset + 1 + ((x >> 6) % 6)), uncommitted)
    if (store.offset < task.end) return true
  }
  if (store.offset < task.end) return false // Waits for markers.
  if (old && wrong === 'at-end') {
    world.say(() => `p${process.id}: the store of task ${task.index} became too old on the way: it stops with an error`)
    return crash(world, process)
  }
  store.at = task.beganAt
  check(world, task.index, store)
  world.counts.takeovers++
  process.standing.delete(task.index)
  task.state = new Map(store.data)
  run(world, process, task, store.positions)
  return true
}

function beginAnew(world: World, process: Process, task: Task): boolean {
  world.say(
    () =>
      `p${process.id}: the store of task ${task.index} became too old on the way, it is restored from the beginning`,
  )
  process.stores.delete(task.index)
  task.stage = 'end'
  return true
}

/** Applies what is committed below `end`; holes and markers only move the offset. */
export function applyPiece(
  world: World,
  task: number,
  store: Store,
  changelog: Partition<Change>,
  end: number,
  uncommitted: boolean,
): void {
  const local = world.broken['positions-with-state'] === 'local'
  for (; store.offset < end; store.offset++) {
    const entry = changelog.log[store.offset]
    if (entry?.data === undefined || (!uncommitted && !isCommitted(entry))) continue
    apply(store.data, entry.data)
    if (entry.data.key === positionsKey(task) && !local) store.positions = entry.data.positions
  }
}
