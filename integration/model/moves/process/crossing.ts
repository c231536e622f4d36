import type { World } from '../../rules/world.js'
import type { Commit } from '../../state/commit.js'
import { highWatermark, lastStableOffset, type Inbox } from '../../state/log.js'
import type { Process } from '../../state/process.js'
import type { Source } from '../../state/records.js'
import type { Task } from '../../state/task.js'

/**
 * Whether a record of `source` may run directly on `target`, another task of this process: everything that hopped from there
 * must have had its turn. Asked per record, because a rewind moves the position below the end again.
 */
export function gateIsOpen(world: World, process: Process, source: Source, target: Task): boolean {
  const wrong = world.broken.gate
  if (wrong === 'none') return true
  let end = target.gates.get(source)
  if (end === undefined) {
    if (hopsUnderWay(process, source, target) && !world.broken['gate-after-own-hops']) return false
    end = endOf(world, world.inboxes[target.index] as Inbox)
    target.gates.set(source, end)
    world.say(
      () => `p${process.id}: the gate from ${source.name} into task ${target.index} opens at ${end} of its inbox`,
    )
  }
  if ((target.position.at(-1) as number) < end) return false
  if (wrong === 'latched') target.gates.set(source, -1)
  return true
}

function endOf(world: World, inbox: Inbox): number {
  return world.broken['gate-end-uncommitted'] === 'lso' ? lastStableOffset(inbox) : highWatermark(inbox)
}

/** Hops of this process that no log end covers yet. From the target's assignment on there are no new ones. */
function hopsUnderWay(process: Process, source: Source, { index }: Task): boolean {
  const holds = (commit: Commit | undefined): boolean =>
    [...(commit?.parts.values() ?? [])].some(({ hops }) =>
      hops.some(({ to, record }) => to === index && record.source === source),
    )
  return holds(process.current) || holds(process.inFlight)
}

/** Mutation `before` of gate-end-after-offsets. */
export function captureGatesEarly(world: World, process: Process): void {
  const sources = [...process.tasks.values()].flatMap((task) => task.sources)
  for (const target of process.tasks.values()) {
    const inbox = world.inboxes[target.index]
    if (inbox === undefined) continue
    for (const source of sources) if (!target.gates.has(source)) target.gates.set(source, highWatermark(inbox))
  }
}
