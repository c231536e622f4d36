import type { World } from '../../rules/world.js'
import type { Commit } from '../../state/commit.js'
import { partOf, type Process } from '../../state/process.js'
import type { Output, SourceRecord } from '../../state/records.js'
import type { Task } from '../../state/task.js'
import { dropBoth, giveUp, takeAnew } from './dropping.js'

/** Whether the broker refuses a batch with this in it. */
export function refuses({ kind, record }: Output): boolean {
  return kind === 'turn' && record?.op === 'refused'
}

/** Nothing more may be taken into the current buffer. */
export function isFull({ halving, current }: Process): boolean {
  return halving !== undefined && current.taken.length >= halving.most
}

export function noteTaken(process: Process, record: SourceRecord | undefined): void {
  process.current.taken.push(record)
}

/**
 * The commit is aborted, and what was in it done again in commits half as large. A record that was alone in it is the culprit. Turns that
 * had been parked are none of those taken into it: no record is blamed then, and they are run again from their rows, each taken.
 */
export function refused(world: World, process: Process, commit: Commit): boolean {
  const { taken } = commit
  const wrong = world.broken['blame-alone']
  const alone = wrong === 'last-taken' ? (process.current.taken.at(-1) ?? taken[0]) : taken[0]
  const landed = wrong === 'taken-only' ? 0 : commit.landed
  const found = (taken.length === 1 && landed === 0) || wrong === 'first-of-many' ? alone : undefined
  const count = Math.max(1, taken.length + landed)
  world.counts.refused++
  world.say(() => `broker: refuses what a commit of ${taken.length} records and ${commit.landed} parked turns writes`)
  process.halving = {
    most: Math.max(1, count >> 1),
    size: Math.max(process.halving?.size ?? 0, count),
  }
  if (found !== undefined) {
    process.culprits.add(found)
    world.counts.blamed++
    world.say(() => `p${process.id}: blames ${found.source.name} key ${found.key} seq ${found.seq}`)
  }
  dropBoth(world, process)
  if (world.config.afterAbort === 'anew') takeAllAnew(world, process)
  return true
}

/** Twice as many next time, until there are as many as at first. */
export function committed(process: Process): void {
  if (process.halving === undefined) return
  const { most, size } = process.halving
  process.halving = most >= size ? undefined : { most: 2 * most, size }
}

/** Instead of its turn: it counts as read, and nothing of it is done. */
export function setAside(world: World, process: Process, task: Task, record: SourceRecord): void {
  const { key } = record
  partOf(process, task).outputs.push({ kind: 'blamed', key, record, count: 0, timer: 0 })
  world.say(() => `p${process.id}: sets ${record.source.name} key ${key} seq ${record.seq} aside`)
}

function takeAllAnew(world: World, process: Process): void {
  const held = [...process.tasks.values()]
  for (const task of held) {
    giveUp(world, process, task)
    takeAnew(world, process, task.index, task.sources)
  }
}
