import type { World } from '../../rules/world.js'
import type { Commit } from '../../state/commit.js'
import type { AssignedTask } from '../../state/group.js'
import { runs, type Process } from '../../state/process.js'
import type { Task } from '../../state/task.js'
import { callRound, removeMember } from '../broker/group.js'
import { leaveBehind } from './commit.js'
import { captureGatesEarly } from './crossing.js'
import { dropAll, dropBoth, dropCurrent, dropParts, giveUp, takeAnew, withPartners } from './dropping.js'

/** The next thing a member does: a heartbeat, JoinGroup, or reading the answers of JoinGroup and SyncGroup. */
export function heartbeat(world: World, process: Process): boolean {
  if (!runs(process)) return false
  if (process.status === 'none') return join(world, process)
  const { group } = world
  const member = group.members.get(process.memberId)
  if (member === undefined) {
    world.say(() => `p${process.id}: heartbeat: unknown member`)
    leaveBehind(world, process)
    return true
  }
  switch (process.status) {
    case 'member':
      return group.state === 'joining' && join(world, process)
    case 'joining':
      if (group.state !== 'stable') return !member.joined && join(world, process)
      process.joinGeneration = member.joinGeneration
      process.status = 'joined'
      return true
    case 'joined':
      if (group.state === 'joining') return join(world, process)
      receive(world, process, group.generation, member.assignment)
      return true
  }
}

/** All tasks go on meanwhile, under the generation of the last assignment. */
function join(world: World, process: Process): boolean {
  const { group } = world
  if (!group.members.has(process.memberId)) {
    if (process.memberId !== 0) leaveBehind(world, process)
    process.memberId = ++world.lastId
    group.members.set(process.memberId, { process, joined: false, claims: [], assignment: [], joinGeneration: -1 })
  }
  callRound(world)
  const member = group.members.get(process.memberId)
  if (member === undefined) return false
  member.joined = true
  member.claims = [...process.tasks.keys()]
  process.status = 'joining'
  world.say(() => `p${process.id}: JoinGroup, holds {${member.claims.join(',')}}`)
  return true
}

/** SyncGroup is answered. A round that ended while another answer was on its way was never received here. */
function receive(world: World, process: Process, generation: number, assignment: readonly AssignedTask[]): void {
  const continuous = generation === process.generation + 1 || world.broken.continuous !== undefined
  const assigned = new Map(assignment.map((task) => [task.index, task]))
  const isRetained = (task: Task): boolean =>
    continuous && assigned.get(task.index)?.sources.length === task.sources.length
  const lost = [...process.tasks.values()].filter((task) => !isRetained(task))
  world.say(() => {
    const missed = continuous ? '' : ' (not the next one)'
    return `p${process.id}: assignment of generation ${generation}${missed}: {${[...assigned.keys()].join(',')}}, gives up {${lost.map(({ index }) => index).join(',')}}`
  })
  const aborted = abortIfHeld(world, process, lost)
  const given = aborted && world.config.afterAbort === 'anew' ? [...process.tasks.values()] : lost
  dropCurrentIfHeld(world, process, lost)
  for (const task of given) giveUp(world, process, task)
  world.counts.retained += process.tasks.size
  process.generation = generation
  process.status = 'member'
  for (const { index, sources } of assignment) if (!process.tasks.has(index)) takeAnew(world, process, index, sources)
  if (world.broken['gate-end-after-offsets'] === 'before') captureGatesEarly(world, process)
}

function holdsAny({ parts }: Commit, tasks: readonly Task[]): boolean {
  return tasks.some(({ index }) => parts.has(index))
}

/** A sealed commit whose offsets were accepted is finished, also for lost tasks; any other that holds one cannot be made any more. */
function abortIfHeld(world: World, process: Process, lost: readonly Task[]): boolean {
  const { inFlight } = process
  if (inFlight === undefined || inFlight.accepted || !holdsAny(inFlight, lost)) return false
  if (world.broken['resend-if-retained']) return false
  world.say(() => `p${process.id}: aborts the commit under way, which holds a lost task, and drops both buffers`)
  dropBoth(world, process)
  return true
}

/** What is not committed of lost tasks must go, and with it what was built together with it. */
function dropCurrentIfHeld(world: World, process: Process, lost: readonly Task[]): void {
  if (!holdsAny(process.current, lost)) return
  const indexes = new Set(lost.map(({ index }) => index))
  switch (world.broken['loss-drops-current']) {
    case 'kept':
      return
    case 'lost-only':
      return dropParts(world, process, indexes)
    case 'lost-and-partners':
      return dropParts(world, process, withPartners(process, indexes))
    default:
      world.say(() => `p${process.id}: drops the current buffer, which holds a lost task`)
      dropCurrent(world, process)
  }
}

/** LeaveGroup without a commit before: a barrier saves work, correctness does not rely on it. */
export function leave(world: World, process: Process): boolean {
  if (!runs(process) || process.memberId === 0) return false
  world.say(() => `p${process.id}: leaves the group`)
  removeMember(world, process.memberId)
  dropAll(world, process)
  return true
}
