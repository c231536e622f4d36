import type { Due, DueTime } from '../state/due.js'
import type { Agenda, Lane } from '../turn/due/agenda.js'
import type { DueTurns } from '../turn/due-turns.js'
import type { Breakers } from './breakers.js'
import type { CommitCycle } from './commit/commit-cycle.js'
import type { Halving } from './commit/halving.js'
import { dueName } from './path/culprits.js'
import type { Intake } from './path/intake.js'
import type { ReaderSurroundings } from './path/reader.js'
import type { Silence } from './path/silence.js'
import type { Backlog } from './tasks/backlog.js'
import type { Task } from './tasks/task.js'
import type { TaskSet } from './tasks/task-set.js'

/** Stream time goes on without records when those that held it back have been silent for long enough. */
const timeLookMs = 500

export interface DueWorkParts {
  readonly intake: Intake
  readonly tasks: TaskSet
  readonly cycle: CommitCycle
  readonly halving: Halving
  readonly surroundings: ReaderSurroundings
  readonly dueTurns: DueTurns
  readonly silence: Silence
  readonly backlog: Backlog
  readonly breakers: Breakers
}

/** What is due of one task, by one time. */
interface TaskLane extends Lane {
  readonly task: Task
  readonly agenda: Agenda
}

/** Does what is due in the tasks that run here: each in the order of its times, none before all others. */
export class DueWork {
  readonly #parts: DueWorkParts
  #timeLookedAt = -Infinity
  /** Of each task; made once, since they are looked at a thousand times a second. */
  readonly #lanesOf = new WeakMap<Task, readonly TaskLane[]>()
  /** Which lane comes first: the one behind that in which time was up. */
  #first = 0

  constructor(parts: DueWorkParts) {
    this.#parts = parts
  }

  /** Does what is due by now; false when time was up (`deadline`: clock.elapsed), or no more may be done, before all was. */
  run(deadline: number): boolean {
    const lanes = this.#lanes()
    const now = this.#parts.surroundings.clock.now()
    this.#lookAtTime()
    this.#parts.breakers.probe()
    for (const { agenda } of this.#parts.tasks.running.values()) agenda?.letGo()
    for (let i = 0; i < lanes.length; i++) {
      const at = (this.#first + i) % lanes.length
      const lane = lanes[at] as TaskLane
      if (this.#runLane(lane, this.#nowOf(lane, now), deadline)) continue
      this.#first = (at + 1) % lanes.length
      return false
    }
    return true
  }

  /** Milliseconds until something is due, by the clock. */
  get dueInMs(): number {
    const { backlog, breakers, surroundings, tasks } = this.#parts
    const { clock } = surroundings
    let next = breakers.nextLook(clock.now()) - clock.now()
    for (const task of tasks.running.values()) {
      const { agenda, times } = task
      if (times.size > 0) next = Math.min(next, timeLookMs)
      if (agenda === undefined) continue
      for (const { time, stream, schedule } of agenda.lanes) {
        if (time === 'processing' && !backlog.isDone(task)) continue
        next = Math.min(next, stream === undefined ? schedule.next - clock.now() : timeLookMs)
      }
    }
    return Math.max(0, next)
  }

  /** Whether nothing is due that is not done. Ask it when all that is there has been processed. */
  get idle(): boolean {
    const lanes = this.#lanes()
    const { breakers, silence, surroundings } = this.#parts
    if (breakers.areDue) return false
    const now = surroundings.clock.now()
    this.#lookAtAll()
    if (silence.isAsking) return false
    return lanes.every((lane) => {
      const at = this.#nowOf(lane, now)
      const { schedule } = lane
      return !Number.isFinite(at) || (schedule.isComplete(at) && schedule.next > at)
    })
  }

  /** See `Processor.concludeWaits`. */
  concludeWaits(): boolean {
    const now = this.#parts.surroundings.clock.now()
    const streams = [...this.#parts.tasks.running.values()].flatMap(({ agenda }) => agenda?.lanes ?? [])
    return streams.filter(({ stream }) => stream?.conclude(now) === true).length > 0
  }

  /** Takes note of how far the records of a task have come. */
  updateTime(task: Task): void {
    const { clock, passage } = this.#parts.surroundings
    task.lookAtTime(clock.now(), passage.seq)
  }

  #lanes(): readonly TaskLane[] {
    const lanes: TaskLane[] = []
    for (const task of this.#parts.tasks.running.values()) for (const lane of this.#ofTask(task)) lanes.push(lane)
    return lanes
  }

  #ofTask(task: Task): readonly TaskLane[] {
    let lanes = this.#lanesOf.get(task)
    if (lanes === undefined) {
      const { agenda } = task
      lanes = agenda === undefined ? [] : agenda.lanes.map((lane) => ({ ...lane, task, agenda }))
      this.#lanesOf.set(task, lanes)
    }
    return lanes
  }

  #nowOf({ stream }: Lane, now: number): number {
    return stream === undefined ? now : stream.now
  }

  #lookAtTime(): void {
    const { surroundings, silence } = this.#parts
    const { clock } = surroundings
    if (clock.elapsed() - this.#timeLookedAt < timeLookMs && !silence.hasNews) return
    this.#timeLookedAt = clock.elapsed()
    this.#lookAtAll()
  }

  #lookAtAll(): void {
    const { silence, tasks } = this.#parts
    silence.look(tasks.running.values())
    for (const task of tasks.running.values()) this.updateTime(task)
  }

  /** Does at least one thing, however late it is. */
  #runLane({ task, agenda, time, schedule }: TaskLane, now: number, deadline: number): boolean {
    if (!Number.isFinite(now)) return true
    const { surroundings, cycle, halving, backlog } = this.#parts
    if (time === 'processing' && !backlog.isDone(task)) return true
    const { clock, passage } = surroundings
    schedule.lookAhead(now)
    let done = 0
    for (let due = schedule.take(now); due !== undefined; due = schedule.take(now)) {
      passage.task = task
      this.#do(agenda, time, due)
      done++
      if (halving.left <= 0 || clock.elapsed() >= deadline) {
        cycle.worked(done)
        return false
      }
    }
    if (task.state?.dirty === true) cycle.worked(done)
    return true
  }

  #do(agenda: Agenda, time: DueTime, due: Due): void {
    const { halving, surroundings, dueTurns } = this.#parts
    const { culprits } = halving
    const culprit = culprits.none ? undefined : culprits.pass(dueName(agenda.task, time, due))
    if (culprit === undefined) dueTurns.run(agenda, time, due)
    else surroundings.passage.turns.failing(culprit, () => dueTurns.run(agenda, time, due))
    halving.tookDue(agenda.task, time, due)
  }
}
