import { loadavg } from 'node:os'
import { GroupWatch } from './group-watch.js'
import { gaps, longestGap } from './silence.js'
import { traceOf } from './trace.js'
import { pause, wallClock } from './wall-clock.js'
import type { World } from './world.js'

/** What comes before an event to compare with, and after it in case that it has an echo. */
const beforeMs = 3_000
const afterMs = 2_000

/** How long tasks were silent around one event, in milliseconds. */
export interface Measured {
  readonly moved: number
  readonly retained: number
  /** The longest silence of any task that went to another instance, and of any that stayed. */
  readonly movedMs: number
  readonly retainedMs: number
  /** The latter from the moment the group was disturbed: without what the start of a process costs the others. */
  readonly retainedInRoundMs: number
  /** From the moment the group was last seen undisturbed to the first output of the first, and of the last, task that moved. */
  readonly firstAfterNoticeMs: number
  readonly lastAfterNoticeMs: number
  /** Gaps of all tasks just before the event: the median, and the longest. */
  readonly usualMs: number
  readonly usualLongestMs: number
  /** Transactions of dead instances that others aborted. */
  readonly aborted: number
  /** Commits that the group refused, so that their input was read again. */
  readonly refused: number
  /** Programs that wanted a processor at the end, on average over a minute. */
  readonly load: number
}

/** Lets things calm down, does `event`, waits until all tasks are heard from their owners, and measures. */
export async function measure(
  world: World,
  what: string,
  event: () => Promise<void>,
  trace: boolean,
): Promise<Measured> {
  const { observer } = world
  await pause(beforeMs)
  const watch = new GroupWatch(world.admin, world.app)
  const before = observer.owners.map((_, task) => observer.ownerOf(task))
  const from = wallClock()
  await event()
  await world.settled()
  await pause(afterMs)
  const to = wallClock()
  await watch.stop()

  const said = world.started
    .flatMap(({ lines }) => lines)
    .flatMap(({ at, message = '' }) => (at >= from && at <= to ? [message] : []))
  const noticedAt = watch.changes[0]?.stillAt ?? from
  const tasks = observer.arrivals.map((arrivals, task) => {
    const owners = observer.ownersSince(task, from)
    const taken = owners.find(({ from: since, by }) => since >= from && by !== before[task])
    return {
      moved: taken !== undefined,
      takenAt: taken?.from ?? 0,
      gapMs: longestGap(arrivals, from, to),
      inRoundMs: longestGap(arrivals, noticedAt, to),
    }
  })
  const moved = tasks.filter((task) => task.moved)
  const retained = tasks.filter((task) => !task.moved)
  const usual = observer.arrivals.flatMap((arrivals) => gaps(arrivals, from - beforeMs, from - 1)).sort((a, b) => a - b)
  if (trace) process.stderr.write(traceOf(world, watch, what, from, to))
  return {
    moved: moved.length,
    retained: retained.length,
    movedMs: Math.max(...moved.map(({ gapMs }) => gapMs)),
    retainedMs: Math.max(...retained.map(({ gapMs }) => gapMs)),
    retainedInRoundMs: Math.max(...retained.map(({ inRoundMs }) => inRoundMs)),
    firstAfterNoticeMs: Math.min(...moved.map(({ takenAt }) => takenAt)) - noticedAt,
    lastAfterNoticeMs: Math.max(...moved.map(({ takenAt }) => takenAt)) - noticedAt,
    usualMs: usual[usual.length >> 1] ?? NaN,
    usualLongestMs: usual.at(-1) ?? NaN,
    aborted: sumOf(said, /^aborted (\d+) transactions/),
    refused: sumOf(said, /^a commit was not made/),
    load: loadavg()[0] ?? NaN,
  }
}

/** Adds up the numbers that messages name, or counts them where they name none. */
function sumOf(messages: readonly string[], pattern: RegExp): number {
  return messages.reduce((sum, message) => {
    const match = pattern.exec(message)
    return sum + (match === null ? 0 : Number(match[1] ?? 1))
  }, 0)
}
