import type { World } from '../../rules/world.js'
import { newCommit, type Commit, type Part } from '../../state/commit.js'
import { highWatermark, type Inbox, type Input, type Partition, type Transaction } from '../../state/log.js'
import { positionsKey, type Change, type Positions } from '../../state/objects.js'
import { runs, type Process } from '../../state/process.js'
import type { Output } from '../../state/records.js'
import { append } from '../broker/log.js'
import { begin, emit, end } from '../broker/transactions.js'
import type { Mark } from '../../state/event-time.js'
import { appendAtOnce } from '../broker/log.js'
import { dropAll, dropBoth, startAgain } from './dropping.js'
import { markOf } from './event-time.js'
import { park } from './under-way.js'
import { committed, refused, refuses } from './refused.js'

/** Seals what was done since the last commit; one commit is under way at a time. Nothing was sent before. */
export function seal(world: World, process: Process): boolean {
  if (!runs(process) || process.inFlight !== undefined || process.current.parts.size === 0) return false
  if (process.halving !== undefined && process.flights.size > 0) return false
  park(world, process)
  const commit = process.current
  process.inFlight = commit
  process.current = newCommit()
  for (const task of process.tasks.values()) task.sealed = [...task.position]
  for (const part of commit.parts.values()) {
    part.positions = part.task.sealed
    part.mark = markOf(world, part)
    commit.sends.push(...sendsOf(world, part, commit))
  }
  for (const task of process.tasks.values()) task.sayingsSealed = task.sayings
  for (const part of commit.parts.values()) part.sayings = part.task.sayingsSealed
  commit.offsets = offsetsOf(world, process, commit)
  world.say(() => `p${process.id}: seals a commit of tasks {${[...commit.parts.keys()].join(',')}}`)
  return true
}

/** Produce requests: any order, and any order with the offsets. Each gives the name of the partition, unless that refuses it. */
function sendsOf(world: World, part: Part, commit: Commit): Commit['sends'] {
  const { task, outputs, hops, changes, mark } = part
  const sends: Commit['sends'] = []
  const tx = (): Transaction => commit.tx as Transaction
  if (outputs.length > 0) {
    const to = world.outputs[task.index] as Partition<Output>
    sends.push(() => {
      if (outputs.some(refuses)) return undefined
      for (const output of outputs) emit(world, to, tx(), output)
      return to.name
    })
  }
  const atOnce = world.broken['marks-in-commit'] === 'at-once'
  const told = mark === undefined ? [] : world.inboxes.flatMap((_, index) => (index === task.index ? [] : [index]))
  if (atOnce) for (const index of told) appendAtOnce(world, world.inboxes[index] as Inbox, mark as Mark)
  for (const index of new Set([...hops.map(({ to }) => to), ...(atOnce ? [] : told)])) {
    const to = world.inboxes[index] as Inbox
    sends.push(() => {
      for (const hop of hops) if (hop.to === index) append(world, to, tx(), hop.record)
      if (mark !== undefined && !atOnce && index !== task.index) append(world, to, tx(), mark)
      return to.name
    })
  }
  if (changes.size > 0 || world.broken['positions-with-state'] !== 'with-changes') {
    // A task without state writes to the changelog of another one, whose store need not know.
    const to = world.changelogs[task.index % world.shape.stateTasks] as Partition<Change>
    sends.push(() => {
      for (const [key, state] of changes) append(world, to, tx(), { key, state })
      append(world, to, tx(), { key: positionsKey(task.index), state: null, positions: positionsOf(world, part) })
      part.end = highWatermark(to)
      return to.name
    })
  }
  return sends
}

function positionsOf(world: World, { task, positions }: Part): Positions {
  const inputs = world.broken['all-positions'] === 'sources-only' ? task.sources : task.inputs
  return new Map(inputs.map(({ name }, i) => [name, positions[i] as number]))
}

/** All positions of every task in it. */
function offsetsOf(world: World, process: Process, commit: Commit): ReadonlyMap<Input, number> {
  const offsets = new Map<Input, number>()
  const attach = world.broken['attach-touched']
  const sourcesOnly = world.broken['all-positions'] === 'sources-only'
  for (const { task, positions } of commit.parts.values()) {
    task.inputs.forEach((input, i) => {
      if (attach !== undefined && positions[i] === task.committed[i]) return
      if (sourcesOnly && i >= task.sources.length) return
      offsets.set(input, positions[i] as number)
    })
  }
  const other = [...process.tasks.values()].find(({ index, stage }) => stage === 'running' && !commit.parts.has(index))
  const input = other?.inputs[0]
  if (attach === 'moved' && offsets.size === 0 && input !== undefined) offsets.set(input, other?.committed[0] as number)
  return offsets
}

/** The next request of the commit under way: Produce and TxnOffsetCommit in any order, then EndTxn, then its answer. */
export function commitStep(world: World, process: Process, x: number): boolean {
  if (!runs(process)) return false
  if (process.fenced) {
    startAgain(world, process, 'fenced, or the outcome is unknown')
    return true
  }
  const commit = process.inFlight
  if (commit === undefined) return false
  commit.tx ??= begin(world, process)
  const { tx, sends } = commit
  if (tx === undefined) return false
  if (commit.ended) return answered(world, process, commit, tx)
  if (sends.length > 0 && (commit.accepted || x % (sends.length + 1) < sends.length)) {
    const [send] = sends.splice(x % sends.length, 1) as [Commit['sends'][number]]
    const to = send()
    if (to === undefined) return refused(world, process, commit)
    world.say(() => `p${process.id}: transaction ${tx.id}: Produce to ${to}`)
    return true
  }
  if (!commit.accepted) return sendOffsets(world, process, commit, tx)
  if (sends.length > 0) return false
  world.say(() => `p${process.id}: transaction ${tx.id}: EndTxn(commit)`)
  commit.ended = true
  end(world, tx, 'committed')
  return true
}

/** The broker checks member and generation when the request arrives; what it accepts is pending until the marker. */
function sendOffsets(world: World, process: Process, commit: Commit, tx: Transaction): boolean {
  const { group } = world
  const early = world.broken['generation-of-assignment'] === 'early' && process.status === 'joined'
  const generation = early ? process.joinGeneration : process.generation
  const known = group.members.has(process.memberId)
  const what = (): string =>
    `p${process.id}: transaction ${tx.id}: offsets ${described(commit)} of generation ${generation}`
  // A commit of timers only, with `attach-touched` broken.
  const bare = commit.offsets.size === 0 && world.broken['attach-touched'] === 'none'
  if (bare || (known && generation === group.generation)) {
    commit.accepted = true
    if (commit.offsets.size > 0) {
      tx.offsets = commit.offsets
      group.pending.add(tx)
    }
    world.say(() => `${what()} accepted (group ${group.state})`)
    if (commit.refused) world.counts.resent++
    if (world.broken['local-never-ahead'] === 'sealed') pin(world, process, commit, tx)
    return true
  }
  if (world.broken['refused-is-not-ended'] === 'ignored') {
    world.say(() => `${what()} refused, and that is ignored`)
    commit.accepted = true
    return true
  }
  if (known && commit.refused) return false // Waits for the assignment.
  commit.refused = true
  world.say(() => `${what()} refused: ${known ? 'waits for the assignment' : 'unknown member, drops all'}`)
  if (!known) leaveBehind(world, process)
  return true
}

/** The group does not know this member any more. */
export function leaveBehind(world: World, process: Process): void {
  if (world.broken.continuous !== 'away') return dropAll(world, process)
  if (process.inFlight?.accepted !== true) dropBoth(world, process)
  process.status = 'none'
  process.memberId = 0
}

/** EndTxn was answered with OK: what was committed is known to be. */
function answered(world: World, process: Process, commit: Commit, tx: Transaction): boolean {
  world.say(() => `p${process.id}: transaction ${tx.id}: EndTxn is answered, committed`)
  process.inFlight = undefined
  committed(process)
  for (const { task, positions, sayings } of commit.parts.values()) {
    task.committed = positions
    task.sayingsCommitted = sayings
  }
  if (world.broken['local-never-ahead'] !== 'sealed') pin(world, process, commit, tx)
  return true
}

/** Committed changes become the state of their tasks, pinned until the store has them. */
function pin(world: World, process: Process, commit: Commit, tx: Transaction): void {
  for (const part of commit.parts.values()) {
    const { task, changes, end } = part
    const holder = process.tasks.get(task.index)
    if (holder !== task) world.counts.finishedForLost++
    if (holder === undefined || (holder !== task && world.broken['lost-part-skipped'] === undefined)) continue
    for (const [key, state] of changes) {
      if (state === null) holder.state.delete(key)
      else holder.state.set(key, state)
    }
    if (end > 0 && task.index < world.shape.stateTasks)
      holder.pinned.push({ changes, positions: positionsOf(world, part), end, tx, at: world.now })
  }
}

function described({ offsets }: Commit): string {
  return `{${[...offsets].map(([input, offset]) => `${input.name}:${offset}`).join(' ')}}`
}
