import type { World } from '../../rules/world.js'
import { unborn } from '../../state/objects.js'
import { partOf, read, type Process } from '../../state/process.js'
import type { SourceRecord } from '../../state/records.js'
import type { Task } from '../../state/task.js'
import { dropCurrent, dropParts } from './dropping.js'

/**
 * A turn that may throw; true when there is nothing left to do. The first time the uncommitted current buffer is dropped and
 * its records run again, this one with care. When it throws again it goes to the dead letters and its object into quarantine:
 * later records of the object follow it, in order.
 */
export function throws(world: World, process: Process, from: Task, on: Task, record: SourceRecord): boolean {
  if (isQuarantined(world, process, on, record)) {
    setAside(world, process, on, record)
    return true
  }
  // It throws when it ends.
  if (record.slow) return false
  const withCare = process.careful.has(record)
  if (record.op !== 'throws' && (record.op !== 'throws-once' || withCare)) return false
  if (withCare) {
    world.say(() => `p${process.id}: the turn throws again; key ${record.key} is quarantined`)
    setAside(world, process, on, record)
    return true
  }
  world.counts.thrown++
  process.careful.add(record)
  halfDone(process, on, record)
  undo(world, process, from, on)
  return true
}

/** What becomes of an asynchronous turn that has ended: of what it did nothing is left, so it is tried again alone. */
export function outcomeOf({ careful }: Process, record: SourceRecord): 'well' | 'again' | 'given-up' {
  const withCare = careful.has(record)
  if (record.op !== 'throws' && (record.op !== 'throws-once' || withCare)) return 'well'
  if (withCare) return 'given-up'
  careful.add(record)
  return 'again'
}

function isQuarantined(world: World, process: Process, on: Task, { key }: SourceRecord): boolean {
  if (world.broken['quarantine-in-state']) return process.quarantine.has(key)
  return read(process, on, key)?.quarantined === true
}

export function setAside(world: World, process: Process, on: Task, record: SourceRecord): void {
  const part = partOf(process, on)
  const { key } = record
  part.outputs.push({ kind: 'dead-letter', key, record, count: 0, timer: 0 })
  if (world.broken['quarantine-in-state']) process.quarantine.add(key)
  else part.changes.set(key, { ...(read(process, on, key) ?? unborn), quarantined: true })
}

/** What a handler did before it threw. */
function halfDone(process: Process, on: Task, record: SourceRecord): void {
  const part = partOf(process, on)
  part.changes.set(record.key, { ...unborn, count: 99 })
  part.outputs.push({ kind: 'half', key: record.key, record, count: 99, timer: 0 })
}

function undo(world: World, process: Process, from: Task, on: Task): void {
  const wrong = world.broken['undo-drops-current']
  world.say(() => `p${process.id}: the turn on task ${on.index} throws; ${wrong ?? 'the current buffer'} is dropped`)
  if (wrong === undefined) dropCurrent(world, process)
  else dropParts(world, process, new Set(wrong === 'failing-only' ? [on.index] : [on.index, from.index]))
}
