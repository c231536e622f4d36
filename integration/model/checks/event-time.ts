import { timeOf } from '../rules/event-time.js'
import type { World } from '../rules/world.js'
import { violated } from './violation.js'

/** When all sources have been read and have fallen silent, nothing holds time back. */
export function checkTime(world: World): void {
  if (!world.config.eventTime) return
  const latest = Math.max(-Infinity, ...world.sources.map(({ latest, log }) => (log.length > 0 ? latest : -Infinity)))
  for (const process of world.processes) {
    for (const task of process.tasks.values()) {
      if (task.index >= world.shape.stateTasks) continue
      const { now } = timeOf(world, process, task)
      if (now !== latest)
        violated(`event time of task ${task.index} is ${now} in the end, and the input's is ${latest}`)
    }
  }
}
