import { noTime, timeKey, type TimeState } from '../state/event-time.js'
import { read, type Process } from '../state/process.js'
import type { SourceRecord } from '../state/records.js'
import type { Task } from '../state/task.js'
import type { World } from './world.js'

/** So far behind the latest of its source partition a record may be. */
export const grace = 10

export function timeOf(world: World, process: Process, task: Task): TimeState {
  if (world.broken['time-in-state'] === 'in-memory') return task.time ?? noTime
  return (read(process, task, timeKey(task.index)) as TimeState | null) ?? noTime
}

export function isLate(world: World, process: Process, task: Task, record: SourceRecord): boolean {
  return world.config.eventTime && record.time + grace < timeOf(world, process, task).now
}
