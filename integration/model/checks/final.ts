import type { World } from '../rules/world.js'
import { foldOf, highWatermark, isCommitted, type Partition } from '../state/log.js'
import { same, unborn, type Change, type Key, type ObjectState } from '../state/objects.js'
import type { Task } from '../state/task.js'
import { newTruth, seqKey, type Truth } from '../state/truth.js'
import { foldOutput } from './truth.js'
import { checkTime } from './event-time.js'
import { violated } from './violation.js'

/** When all is quiet: nothing lost, nothing repeated, and all copies of the state agree. */
export function checkAll(world: World): void {
  const truth = outputAgain(world)
  for (const { id, name, last } of world.sources) {
    for (const [key, seq] of last) {
      const reached = truth.seqs.get(seqKey(id, key)) ?? 0
      if (reached !== seq)
        violated(`key ${key} of ${name}: the input ends at seq ${seq}, the output at ${reached} (lost)`)
    }
  }
  for (let index = 0; index < world.shape.stateTasks; index++) checkState(world, truth, index)
  checkTime(world)
}

/** Committed output as a reader finds it in the logs. */
function outputAgain(world: World): Truth {
  const truth = newTruth()
  for (const { full } of world.outputs) {
    for (const entry of full) {
      if (isCommitted(entry) && entry.data !== undefined) foldOutput(world, truth, entry.data)
    }
  }
  return truth
}

function checkState(world: World, truth: Truth, index: number): void {
  const changelog = world.changelogs[index] as Partition<Change>
  const state = foldOf(changelog, highWatermark(changelog))
  const owners = world.processes.filter(({ tasks }) => tasks.has(index))
  if (owners.length !== 1) violated(`task ${index} has ${owners.length} owners`)
  const task = owners[0]?.tasks.get(index) as Task
  if (!same(state, task.state)) violated(`the owner's state of task ${index} is not what its changelog says`)
  for (let key = index; key < world.shape.keys; key += world.shape.stateTasks)
    checkObject(world, truth, key, state.get(key))
}

function checkObject(world: World, truth: Truth, key: Key, state: ObjectState | undefined): void {
  const { count, timer, quarantined } = truth.objects.get(key) ?? unborn
  if (quarantined) {
    const kept = state?.quarantined === true || world.broken['quarantine-in-state'] !== undefined
    return kept ? undefined : violated(`the quarantine of key ${key} is lost`)
  }
  const inChangelog = state?.count ?? 0
  if (inChangelog !== count) violated(`key ${key}: the changelog says ${inChangelog}, the output ${count}`)
  if (timer !== 0) violated(`timer ${timer} of key ${key} never fired`)
}
