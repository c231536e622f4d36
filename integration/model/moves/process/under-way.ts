import type { World } from '../../rules/world.js'
import { emptied, unborn, type Key } from '../../state/objects.js'
import { partOf, read, type Process } from '../../state/process.js'
import type { SourceRecord } from '../../state/records.js'
import type { Task } from '../../state/task.js'

export const rowsOf = (process: Process, task: Task, key: Key): readonly SourceRecord[] =>
  (read(process, task, key) ?? unborn).waiting

export function setRows(process: Process, task: Task, key: Key, waiting: readonly SourceRecord[]): void {
  partOf(process, task).changes.set(key, emptied({ ...(read(process, task, key) ?? unborn), waiting }))
}

/** Whether a turn of its object comes before it: it waits in memory for one that is not parked, in a row for all others. */
export function waits(world: World, process: Process, task: Task, record: SourceRecord): boolean {
  const { key } = record
  const flight = process.flights.get(key)
  if (flight?.parked === false) {
    flight.queue.push(record)
    world.say(() => `p${process.id}: it waits for the turn under way on key ${key}`)
    return true
  }
  const rows = rowsOf(process, task, key)
  if (flight === undefined && rows.length === 0) return false
  if (world.broken['behind-the-parked'] === 'pass') return false
  setRows(process, task, key, [...rows, record])
  world.say(() => `p${process.id}: it waits in row ${rows.length + 1} of key ${key}`)
  return true
}

/** `parked`: it is run from its row. */
export function takeOff(world: World, process: Process, task: Task, record: SourceRecord, parked: boolean): void {
  const { key } = record
  const before = read(process, task, key) ?? unborn
  partOf(process, task)
  process.flights.set(key, { task, record, before, begunIn: process.current, parked, queue: [] })
  if (parked && world.broken['row-ends-with-effect'] === 'earlier') endRow(process, task, record)
  world.say(() => `p${process.id}: a turn of key ${key} is under way`)
}

/** Before a commit is sealed: no turn that is under way is waited for. */
export function park(world: World, process: Process): void {
  for (const [key, flight] of process.flights) {
    if (flight.parked) continue
    const { task, record, before } = flight
    const wrong = world.broken['park-before-seal']
    if (world.broken['sealed-as-before'] === 'as-it-is')
      partOf(process, task).changes.set(key, { ...before, count: before.count + 1 })
    const behind = wrong === 'first-only' ? [] : flight.queue.splice(0)
    if (wrong !== 'no-row') setRows(process, task, key, [record, ...behind])
    flight.parked = true
    world.counts.parked++
    world.say(() => `p${process.id}: the turn under way on key ${key} is parked`)
  }
}

/** The row of a turn goes, `never` as a way of breaking the rule. */
export function endRow(process: Process, task: Task, record: SourceRecord, never = false): void {
  const rows = rowsOf(process, task, record.key)
  if (rows[0] === record && !never) setRows(process, task, record.key, rows.slice(1))
}
