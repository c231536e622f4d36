import { sequenceFrom } from '../../rng.js'
import type { World } from '../../rules/world.js'
import type { AssignedTask, Member } from '../../state/group.js'
import type { Process } from '../../state/process.js'

export function callRound(world: World): void {
  const { group } = world
  if (group.state === 'joining') return
  group.state = 'joining'
  for (const member of group.members.values()) member.joined = false
}

export function removeMember(world: World, id: number): void {
  const { group } = world
  if (!group.members.delete(id)) return
  if (group.members.size > 0) callRound(world)
  else group.state = 'empty'
}

/** Ends the round when all have joined: a new generation, and who gets what. */
export function endRound(world: World, x: number): boolean {
  const { group } = world
  if (group.state !== 'joining' || group.members.size === 0) return false
  for (const member of group.members.values()) if (!member.joined) return false
  group.generation++
  group.state = 'stable'
  world.counts.generations++
  assignTasks(world, x)
  return true
}

/** Sticky three times of four, balanced two times of three: whatever a leader decides must be right. */
function assignTasks(world: World, x: number): void {
  const { group } = world
  const members = [...group.members.values()]
  const tasks = Math.max(world.shape.stateTasks, ...world.topics.map((sources) => sources.length))
  const share = Math.ceil(tasks / members.length)
  const given = new Map(members.map((member) => [member, [] as AssignedTask[]]))
  const count = (member: Member): number => (given.get(member) as AssignedTask[]).length
  const next = sequenceFrom(x)
  for (let index = 0; index < tasks; index++) {
    let candidates = members.filter((member) => member.claims.includes(index) && count(member) < share)
    if (candidates.length === 0 || next() % 4 === 0) {
      const most = share + (next() % 3 === 0 ? 1 : 0)
      candidates = members.filter((member) => count(member) < most)
    }
    if (candidates.length === 0) candidates = members
    const taker = candidates[next() % candidates.length] as Member
    given.get(taker)?.push({ index, sources: world.sources.filter(({ partition }) => partition === index) })
  }
  for (const member of members) {
    member.assignment = given.get(member) as AssignedTask[]
    member.joinGeneration = group.generation
  }
  world.say(() => `group: generation ${group.generation}: ${members.map(described).join(' ')}`)
}

function described({ process, assignment }: Member): string {
  return `p${process.id}={${assignment.map(({ index }) => index).join(',')}}`
}

/** The rebalance time-out: who has not joined is removed; a dead one always, one that lives now and then. */
export function rebalanceTimeout(world: World, x: number): boolean {
  const { group } = world
  if (group.state !== 'joining') return false
  let any = false
  for (const [id, { process, joined }] of group.members) {
    if (joined || (process.up && !process.paused && (x & 3) !== 0)) continue
    group.members.delete(id)
    any = true
    world.say(() => `group: p${process.id} is removed (rebalance time-out)`)
  }
  if (group.members.size === 0) group.state = 'empty'
  return any
}

/** The session time-out of a member that is dead, stopped, or that its process no longer uses. */
export function sessionTimeout(world: World, process: Process): boolean {
  for (const [id, member] of world.group.members) {
    if (member.process !== process || (process.up && !process.paused && process.memberId === id)) continue
    world.say(() => `group: p${process.id} is removed (session time-out)`)
    removeMember(world, id)
    return true
  }
  return false
}

/** A member that runs is removed all the same: a long pause, lost heartbeats. */
export function kick(world: World, process: Process): boolean {
  if (!world.group.members.has(process.memberId)) return false
  world.say(() => `group: p${process.id} is removed although it runs`)
  removeMember(world, process.memberId)
  return true
}
