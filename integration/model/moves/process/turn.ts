import { isLate, timeOf } from '../../rules/event-time.js'
import type { World } from '../../rules/world.js'
import { emptied, unborn, type ObjectState } from '../../state/objects.js'
import { partOf, read, type Process } from '../../state/process.js'
import { timerOf, type SourceRecord } from '../../state/records.js'
import type { Task } from '../../state/task.js'
import { throws } from './errors.js'
import { setAside } from './refused.js'
import { takeOff, waits } from './under-way.js'

/** One turn of an object of `task`, for a record that `from` has read. */
export function takeTurn(world: World, process: Process, from: Task, task: Task, record: SourceRecord): void {
  partOf(process, task)
  if (from !== task) {
    partOf(process, from)
    process.current.links.push([from.index, task.index])
  }
  if (world.config.slow && waits(world, process, task, record)) return
  runTurn(world, process, from, task, record)
}

/** Nothing of its object comes before it. */
export function runTurn(world: World, process: Process, from: Task, task: Task, record: SourceRecord): void {
  if (world.config.errors && throws(world, process, from, task, record)) return
  if (process.culprits.has(record)) return setAside(world, process, task, record)
  if (record.slow) return takeOff(world, process, task, record, false)
  effect(world, process, task, record, read(process, task, record.key) ?? unborn)
}

/** What a turn does that has ended well. `before`: the object as it was given to it. */
export function effect(world: World, process: Process, task: Task, record: SourceRecord, before: ObjectState): void {
  const part = partOf(process, task)
  const { key, op } = record
  const { now } = timeOf(world, process, task)
  if (isLate(world, process, task, record)) {
    world.counts.late++
    part.outputs.push({ kind: 'late', key, record, count: 0, timer: 0, now })
    return
  }
  const { waiting } = read(process, task, key) ?? unborn
  if (op === 'delete') {
    part.changes.set(key, emptied({ ...unborn, waiting }))
    part.outputs.push({ kind: 'turn', key, record, count: 0, timer: 0, now })
    return
  }
  const count = before.count + 1
  const timer = op === 'set-timer' ? timerOf(record) : before.timer
  part.changes.set(key, { count, timer, quarantined: false, waiting })
  part.outputs.push({ kind: 'turn', key, record, count, timer: 0, now })
}
