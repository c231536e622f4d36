import { pick } from '../../rng.js'
import type { World } from '../../rules/world.js'
import { unborn, type Key } from '../../state/objects.js'
import { partOf, read, runs, type Flight, type Process } from '../../state/process.js'
import type { SourceRecord } from '../../state/records.js'
import { taskOf } from '../../state/state.js'
import type { Task } from '../../state/task.js'
import { outcomeOf, setAside } from './errors.js'
import { isFull, noteTaken } from './refused.js'
import { effect, runTurn, takeTurn } from './turn.js'
import { endRow, rowsOf, setRows, takeOff } from './under-way.js'

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
