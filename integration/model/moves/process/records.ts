import { pick } from '../../rng.js'
import type { World } from '../../rules/world.js'
import { highWatermark, isCommitted, lastStableOffset, type Inbox } from '../../state/log.js'
import { partOf, runs, type Process } from '../../state/process.js'
import type { Source, SourceRecord } from '../../state/records.js'
import { taskOf } from '../../state/state.js'
import type { Task } from '../../state/task.js'
import { gateIsOpen } from './crossing.js'
import { hear, sawRecord } from './event-time.js'
import { isFull, noteTaken } from './refused.js'
import { takeTurn } from './turn.js'

/** The next record of some input of some task. Goes on while the group is joining: what is lost is dropped at the assignment. */
export function processRecord(world: World, process: Process, x: number): boolean {
  if (!runs(process) || process.tasks.size === 0 || isFull(process)) return false
  const task = pick([...process.tasks.values()], x) as Task
  if (task.stage !== 'running') return false
  const count = task.inputs.length
  for (let i = 0; i < count; i++) {
    const input = ((x >> 5) + i) % count
    const source = task.sources[input]
    if (
      source === undefined ? fromInbox(world, process, task, input) : fromSource(world, process, task, source, input)
    ) {
      return true
    }
  }
  return false
}

function fromSource(world: World, process: Process, task: Task, source: Source, input: number): boolean {
  const record = source.log[task.position[input] as number]
  if (record === undefined) return false
  const to = taskOf(world, record.key)
  if (runsInPlace(world, process, source, to)) {
    world.counts.inPlace++
    return turn(world, process, task, task, record, input, 'runs in place')
  }
  const target = world.config.crossing ? process.tasks.get(to) : undefined
  if (target !== undefined) {
    // Once a task is ours nothing hops to it from here: its records wait for the gate.
    if (target.stage !== 'running') return false
    const asked = target.gates.size
    if (!gateIsOpen(world, process, source, target)) return target.gates.size > asked
    world.counts.crossings++
    return turn(world, process, task, target, record, input, `crosses from task ${task.index} into task ${to}`)
  }
  world.counts.hops++
  advance(task, input)
  sawRecord(world, process, task, source)
  noteTaken(process, record)
  partOf(process, task).hops.push({ to, record })
  world.say(() => `${say(process, record)} hops to ${world.inboxes[to]?.name}`)
  return true
}

function runsInPlace(world: World, process: Process, source: Source, to: number): boolean {
  if (source.partition !== to) return false
  switch (world.broken['route-in-place']) {
    case 'by-count':
      return process.partitionCounts[source.topic] === world.shape.stateTasks
    case 'by-mode':
      return process.incarnation % 2 === 1
    default:
      return true
  }
}

function fromInbox(world: World, process: Process, task: Task, input: number): boolean {
  const inbox = task.inputs[input] as Inbox
  // As a client with auto.offset.reset=earliest does. The library refuses instead; here it makes the loss visible.
  if ((task.position[input] as number) < inbox.start) task.position[input] = inbox.start
  const uncommitted = world.broken['inbox-committed'] === 'uncommitted'
  const end = uncommitted ? highWatermark(inbox) : lastStableOffset(inbox)
  let moved = false
  for (let offset = task.position[input] as number; offset < end; offset++) {
    const entry = inbox.log[offset]
    const record = entry?.data
    if (record !== undefined && 'mark' in record && (uncommitted || isCommitted(entry))) {
      advance(task, input)
      partOf(process, task)
      hear(world, process, task, record.mark)
      return true
    }
    if (record !== undefined && !('mark' in record) && (uncommitted || isCommitted(entry))) {
      return turn(world, process, task, task, record, input, `from ${inbox.name} offset ${offset} runs`)
    }
    advance(task, input)
    moved = true
  }
  return moved
}

/** The position moves first: a turn that throws takes it back. */
function turn(
  world: World,
  process: Process,
  from: Task,
  on: Task,
  record: SourceRecord,
  input: number,
  how: string,
): boolean {
  advance(from, input)
  partOf(process, from)
  noteTaken(process, record)
  world.say(() => `${say(process, record)} ${how}`)
  const source = from.sources[input]
  if (source !== undefined) sawRecord(world, process, from, source)
  takeTurn(world, process, from, on, record)
  return true
}

function advance(task: Task, input: number): void {
  task.position[input] = (task.position[input] as number) + 1
}

function say(process: Process, { source, key, seq }: SourceRecord): string {
  return `p${process.id}: ${source.name} key ${key} seq ${seq}`
}

/** DeleteRecords: what lies below a committed offset of the inbox is never read again. A zombie may do it too. */
export function trimInbox(world: World, process: Process, x: number): boolean {
  if (!runs(process)) return false
  const task = pick([...process.tasks.values()], x)
  const inbox = task && world.inboxes[task.index]
  if (task === undefined || inbox === undefined || task.stage !== 'running') return false
  const wrong = world.broken['trim-committed']
  const accepted = wrong === 'accepted' && process.inFlight?.accepted === true
  const to = (wrong === 'processed' ? task.position : accepted ? task.sealed : task.committed).at(-1) as number
  if (to <= inbox.start) return false
  inbox.start = to
  world.say(() => `p${process.id}: deletes the records of ${inbox.name} below ${to}`)
  return true
}
