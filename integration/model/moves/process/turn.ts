import { isLate, timeOf } from '../../rules/event-time.js'
import type { World } from '../../rules/world.js'
import { unborn } from '../../state/objects.js'
import { partOf, read, type Process } from '../../state/process.js'
import { timerOf, type SourceRecord } from '../../state/records.js'
import type { Task } from '../../state/task.js'
import { throws } from './errors.js'
import { setAside } from './refused.js'

/** One turn of an object of `task`, for a record that `from` has read. */
export function takeTurn(world: World, process: Process, from: Task, task: Task, record: SourceRecord): void {
  const part = partOf(process, task)
  if (from !== task) {
    partOf(process, from)
    process.current.links.push([from.index, task.index])
  }
  if (world.config.errors && throws(world, process, from, task, record)) return
  if (process.culprits.has(record)) return setAside(world, process, task, record)
  const { key, op } = record
  const { now } = timeOf(world, process, task)
  if (isLate(world, process, task, record)) {
    world.counts.late++
    part.outputs.push({ kind: 'late', key, record, count: 0, timer: 0, now })
    return
  }
  if (op === 'delete') {
    part.changes.set(key, null)
    part.outputs.push({ kind: 'turn', key, record, count: 0, timer: 0, now })
    return
  }
  const { count, timer } = read(process, task, key) ?? unborn
  const after = { count: count + 1, timer: op === 'set-timer' ? timerOf(record) : timer, quarantined: false }
  part.changes.set(key, after)
  part.outputs.push({ kind: 'turn', key, record, count: after.count, timer: 0, now })
}
