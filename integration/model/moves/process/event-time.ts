import { pick } from '../../rng.js'
import { timeOf } from '../../rules/event-time.js'
import type { World } from '../../rules/world.js'
import type { Part } from '../../state/commit.js'
import { timeKey, type Mark, type Progress, type Saying, type TimeState } from '../../state/event-time.js'
import { partOf, runs, type Process } from '../../state/process.js'
import type { Source } from '../../state/records.js'
import type { Task } from '../../state/task.js'

/** A record of a source has been read, whatever becomes of it. */
export function sawRecord(world: World, process: Process, task: Task, source: Source): void {
  if (!world.config.eventTime) return
  const input = task.sources.indexOf(source)
  task.furthest[input] = Math.max(task.furthest[input] ?? 0, task.position[input] as number)
  say(task, input, { silent: false })
  hear(world, process, task, new Map([[source, progressOf(source, task.position[input] as number, false)]]))
}

/** The clock says that nothing has come from a source for long enough. */
export function fallSilent(world: World, process: Process, x: number): boolean {
  if (!world.config.eventTime || !runs(process)) return false
  const task = pick([...process.tasks.values()], x)
  if (task === undefined || task.stage !== 'running') return false
  if (world.broken['silence-of-source'] === 'at-inbox') return judgedAtInbox(world, process, task, x)
  const input = (x >> 4) % Math.max(1, task.sources.length)
  const source = task.sources[input]
  if (source === undefined || task.sayings[input]?.silent === true) return false
  const position = task.position[input] as number
  if (position < source.log.length && world.broken['silence-of-source'] !== 'unread') return false
  if (position >= source.log.length) source.wasSilent = true
  world.say(() => `p${process.id}: ${source.name} is silent`)
  say(task, input, { silent: true })
  partOf(process, task)
  hear(world, process, task, new Map([[source, progressOf(source, position, true)]]))
  return true
}

function judgedAtInbox(world: World, process: Process, task: Task, x: number): boolean {
  const source = pick(world.sources, x >> 4)
  if (source === undefined || task.index >= world.shape.stateTasks || task.sources.includes(source)) return false
  const latest = timeOf(world, process, task).heard.get(source)?.latest ?? -Infinity
  world.say(() => `p${process.id}: nothing has come from ${source.name} into task ${task.index} for long`)
  partOf(process, task)
  hear(world, process, task, new Map([[source, { latest, silent: true }]]))
  return true
}

/** Where its records have their turns in place, and what comes through the inbox from all others. */
export function hear(world: World, process: Process, task: Task, mark: Mark['mark']): void {
  if (task.index >= world.shape.stateTasks) return
  const before = timeOf(world, process, task)
  const heard = new Map(before.heard)
  for (const [source, { latest, silent }] of mark) {
    const known = heard.get(source)?.latest ?? -Infinity
    heard.set(source, { latest: Math.max(known, latest), silent })
  }
  const now = Math.max(before.now, leastOf(world, heard))
  const after: TimeState = { ...before, now, heard }
  if (world.broken['time-in-state'] === 'in-memory') task.time = after
  else partOf(process, task).changes.set(timeKey(task.index), after)
  if (now > before.now) world.say(() => `p${process.id}: event time of task ${task.index} is ${now}`)
}

function leastOf(world: World, heard: TimeState['heard']): number {
  const known = world.broken['all-origins'] === 'heard-only' ? [...heard.keys()] : world.sources
  const awake = known.filter((source) => heard.get(source)?.silent !== true)
  if (awake.length > 0) return Math.min(...awake.map((source) => heard.get(source)?.latest ?? -Infinity))
  return Math.max(-Infinity, ...[...heard.values()].map(({ latest }) => latest))
}

/** What the commit being sealed has to say of the sources of a task. It is told once, unless the commit is aborted. */
export function markOf(world: World, { task, positions }: Part): Mark | undefined {
  const news = new Map<Source, Progress>()
  task.sources.forEach((source, input) => {
    const { silent, told } = task.sayings[input] ?? unknown
    if (silent === undefined) return
    const furthest = world.broken['marks-as-sealed'] === 'furthest'
    const position = furthest ? (task.furthest[input] ?? 0) : (positions[input] as number)
    const progress = progressOf(source, position, silent)
    if (told?.latest === progress.latest && told.silent === silent) return
    news.set(source, progress)
    say(task, input, { told: progress })
  })
  return news.size === 0 ? undefined : { mark: news }
}

const unknown: Saying = { silent: undefined, told: undefined }

function say(task: Task, input: number, what: Partial<Saying>): void {
  const sayings = [...task.sayings]
  sayings[input] = { ...unknown, ...sayings[input], ...what }
  task.sayings = sayings
}

const progressOf = ({ log }: Source, position: number, silent: boolean): Progress => ({
  latest: Math.max(-Infinity, ...log.slice(0, position).map(({ time }) => time)),
  silent,
})
