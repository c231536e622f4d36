import { pick } from '../../rng.js'
import type { World } from '../../rules/world.js'
import { emptied, unborn, type Key } from '../../state/objects.js'
import { partOf, read, runs, type Flight, type Process } from '../../state/process.js'
import type { SourceRecord } from '../../state/records.js'
import { taskOf } from '../../state/state.js'
import type { Task } from '../../state/task.js'
import { outcomeOf, setAside } from './errors.js'
import { isFull, noteTaken } from './refused.js'
import { effect, runTurn, takeTurn } from './turn.js'

const rowsOf = (process: Process, task: Task, key: Key): readonly SourceRecord[] =>
  (read(process, task, key) ?? unborn).waiting

function setRows(process: Process, task: Task, key: Key, waiting: readonly SourceRecord[]): void {
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

/** A turn under way ends. */
export function land(world: World, process: Process, x: number): boolean {
  if (!runs(process)) return false
  const key = pick([...process.flights.keys()], x)
  return key !== undefined && landOf(world, process, key)
}

export function landOf(world: World, process: Process, key: Key): boolean {
  const flight = process.flights.get(key)
  if (flight === undefined || !runs(process)) return false
  process.flights.delete(key)
  const { task, record, before, begunIn, parked } = flight
  const outcome = outcomeOf(process, record)
  world.counts.landed++
  world.say(() => `p${process.id}: the turn under way on key ${key} ends: ${outcome}`)
  if (begunIn !== process.current) process.current.landed++
  if (outcome === 'again') {
    if (!parked) setRows(process, task, key, [record])
  } else {
    if (parked) endRow(process, task, record, world.broken['row-ends-with-effect'] === 'never')
    if (outcome === 'given-up') setAside(world, process, task, record)
    else effect(world, process, task, record, before)
  }
  goOn(world, process, flight)
  return true
}

/** Those that waited for it in memory. A turn that throws takes back all, them too. */
function goOn(world: World, process: Process, { task, queue }: Flight): void {
  const { current } = process
  for (const record of queue) {
    if (process.current !== current) return
    takeTurn(world, process, task, task, record)
  }
}

function endRow(process: Process, task: Task, record: SourceRecord, never = false): void {
  const rows = rowsOf(process, task, record.key)
  if (rows[0] === record && !never) setRows(process, task, record.key, rows.slice(1))
}

/** The first turn in the rows of some object. */
export function runWaiting(world: World, process: Process, x: number): boolean {
  if (!world.config.slow || !runs(process) || isFull(process)) return false
  for (let i = 0; i < world.shape.keys; i++) {
    const key = (x + i) % world.shape.keys
    const task = process.tasks.get(taskOf(world, key))
    if (task?.stage !== 'running' || process.flights.has(key)) continue
    const [record] = rowsOf(process, task, key)
    if (record === undefined) continue
    noteTaken(process, record)
    world.say(() => `p${process.id}: ${record.source.name} key ${key} seq ${record.seq} has its turn, from its row`)
    runFromRow(world, process, task, record)
    return true
  }
  return false
}

/** Its row is there until it has ended. */
function runFromRow(world: World, process: Process, task: Task, record: SourceRecord): void {
  const { quarantined } = read(process, task, record.key) ?? unborn
  if (record.slow && !quarantined && !process.culprits.has(record)) return takeOff(world, process, task, record, true)
  partOf(process, task)
  endRow(process, task, record, world.broken['row-ends-with-effect'] === 'never')
  runTurn(world, process, task, task, record)
}
