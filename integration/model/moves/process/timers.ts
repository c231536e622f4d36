import type { World } from '../../rules/world.js'
import { partOf, read, runs, type Process } from '../../state/process.js'
import { taskOf } from '../../state/state.js'
import { isFull, noteTaken } from './refused.js'

/** A timer that is due: a turn without a record, so no position moves. Any timer that is set may be due. */
export function fireTimer(world: World, process: Process, x: number): boolean {
  if (!world.config.timers || !runs(process) || isFull(process)) return false
  const key = x % world.shape.keys
  const task = process.tasks.get(taskOf(world, key))
  if (task === undefined || task.stage !== 'running') return false
  const state = read(process, task, key)
  if (state === null || state.timer === 0 || state.quarantined || state.waiting.length > 0) return false
  // It waits for the turn under way.
  if (process.flights.has(key)) return false
  world.counts.timersFired++
  noteTaken(process, undefined)
  const part = partOf(process, task)
  const count = state.count + 1
  part.changes.set(key, { ...state, count, timer: 0 })
  part.outputs.push({ kind: 'timer', key, record: undefined, count, timer: state.timer })
  world.say(() => `p${process.id}: timer ${state.timer} of key ${key} fires on task ${task.index}`)
  return true
}
