import type { Due, DueTime } from '../state/due.js'
import type { Agenda } from '../turn/due/agenda.js'
import type { DueTurns } from '../turn/due-turns.js'
import type { CommitCycle } from './commit/commit-cycle.js'
import type { Halving } from './commit/halving.js'
import { dueName } from './path/culprits.js'
import type { Intake } from './path/intake.js'
import type { Reader, ReaderSurroundings } from './path/reader.js'
import { readerFor } from './path/reader-for.js'
import type { Task } from './tasks/task.js'
import type { TaskSet } from './tasks/task-set.js'

/** User work between two turns of the event loop: commits, heartbeats and fetches are never starved for longer. */
const sliceMs = 5
/** Stream time goes on without records when those that held it back have been silent for long enough. */
const timeLookMs = 500

export interface ProcessorParts {
  readonly intake: Intake
  readonly tasks: TaskSet
  readonly cycle: CommitCycle
  readonly halving: Halving
  readonly surroundings: ReaderSurroundings
  readonly dueTurns: DueTurns
}

/** Takes what was fetched through the pipeline, and does what is due, a slice at a time, in order of arrival. */
export class Processor {
  readonly #intake: Intake
  readonly #tasks: TaskSet
  readonly #cycle: CommitCycle
  readonly #halving: Halving
  readonly #surroundings: ReaderSurroundings
  readonly #dueTurns: DueTurns
  #reader: Reader | undefined
  #timeLookedAt = -Infinity
  records = 0

  constructor({ intake, tasks, cycle, halving, surroundings, dueTurns }: ProcessorParts) {
    this.#intake = intake
    this.#tasks = tasks
    this.#cycle = cycle
    this.#halving = halving
    this.#surroundings = surroundings
    this.#dueTurns = dueTurns
  }

  /** Processes for at most one slice; true when there is more that can be done now. Throws what stops the app, and `Redo`. */
  slice(): boolean {
    const { clock, passage } = this.#surroundings
    const { flights } = passage.turns
    const deadline = clock.elapsed() + sliceMs
    const halving = this.#halving
    if (flights.full || halving.left <= 0) return false
    if (!this.#doDue(deadline)) return !flights.full
    while (!flights.full && halving.left > 0) {
      this.#reader ??= this.#nextReader()
      if (this.#reader === undefined) return false
      const { at, records } = this.#reader
      const ended = this.#reader.run(deadline, halving.left)
      const taken = this.#reader.records - records
      halving.tookRecords(at.topic, at.partition, taken, this.#reader.lastOffset)
      this.records += taken
      this.#cycle.worked(taken)
      if (ended) {
        this.#updateTime(this.#reader.task)
        this.drop()
      }
      if (clock.elapsed() >= deadline) return !flights.full && (!ended || !this.#intake.dry)
    }
    return false
  }

  /** Milliseconds until something is due, by the clock. */
  get dueInMs(): number {
    const { clock } = this.#surroundings
    let next = Infinity
    for (const { agenda } of this.#tasks.running.values()) {
      if (agenda === undefined) continue
      next = Math.min(next, agenda.schedule('processing').next - clock.now())
      if (agenda.time !== undefined) next = Math.min(next, timeLookMs)
    }
    return Math.max(0, next)
  }

  /** Whether nothing is due that is not done, and no turn is under way. Ask it when all that is there has been processed. */
  get idle(): boolean {
    const { clock, passage } = this.#surroundings
    if (!passage.turns.flights.idle) return false
    for (const task of this.#tasks.running.values()) {
      const { agenda } = task
      if (agenda === undefined) continue
      const now = clock.now()
      this.#updateTime(task, true)
      for (const [time, at] of [
        ['processing', now],
        ['event', agenda.time?.now ?? -Infinity],
      ] as const) {
        const schedule = agenda.schedule(time)
        if (Number.isFinite(at) && (!schedule.isComplete(at) || schedule.next <= at)) return false
      }
    }
    return true
  }

  /** Does what is due by now in all tasks; false when time was up before. */
  #doDue(deadline: number): boolean {
    const { clock } = this.#surroundings
    const now = clock.now()
    const looksAtTime = clock.elapsed() - this.#timeLookedAt >= timeLookMs
    if (looksAtTime) this.#timeLookedAt = clock.elapsed()
    for (const task of this.#tasks.running.values()) {
      const { agenda } = task
      if (agenda === undefined) continue
      if (looksAtTime) this.#updateTime(task)
      if (!this.#doDueBy(task, 'processing', now, deadline)) return false
      if (agenda.time !== undefined && !this.#doDueBy(task, 'event', agenda.time.now, deadline)) return false
    }
    return true
  }

  #updateTime({ agenda, positions, index }: Task, allRead = false): void {
    const { clock, passage } = this.#surroundings
    const isReadOut = (topic: string): boolean =>
      (positions.get(topic) ?? 0) >= (this.#intake.highWatermark(topic, index) ?? 0)
    agenda?.time?.update(clock.now(), passage.seq, isReadOut, allRead)
  }

  #doDueBy(task: Task, time: DueTime, now: number, deadline: number): boolean {
    const { clock, passage } = this.#surroundings
    const agenda = task.agenda
    const schedule = agenda?.schedule(time)
    if (agenda === undefined || schedule === undefined || !Number.isFinite(now)) return true
    schedule.lookAhead(now)
    let done = 0
    for (let due = schedule.take(now); due !== undefined; due = schedule.take(now)) {
      passage.task = task
      this.#run(agenda, time, due)
      done++
      if (passage.turns.flights.full || this.#halving.left <= 0 || clock.elapsed() >= deadline) {
        this.#cycle.worked(done)
        return false
      }
    }
    if (task.state?.dirty === true) this.#cycle.worked(done)
    return true
  }

  #run(agenda: Agenda, time: DueTime, due: Due): void {
    const { culprits } = this.#halving
    const culprit = culprits.none ? undefined : culprits.pass(dueName(agenda.task, time, due))
    if (culprit === undefined) this.#dueTurns.run(agenda, time, due)
    else this.#surroundings.passage.turns.failing(culprit, () => this.#dueTurns.run(agenda, time, due))
    this.#halving.tookDue(agenda.task, time, due)
  }

  /** Lets go of what is being read: it has ended, its task stops, or it will be read again. */
  drop(): void {
    if (this.#reader !== undefined) this.#intake.done(this.#reader.bytes)
    this.#reader = undefined
  }

  /** Lets go of what is being read for a task that has stopped or was rewound; another one reads on where it is. */
  dropUnlessRetained(rewound: ReadonlySet<Task>): void {
    const task = this.#reader?.task
    if (task === undefined) return
    if (rewound.has(task) || this.#tasks.running.get(task.index) !== task) this.drop()
  }

  #nextReader(): Reader | undefined {
    for (let fetched = this.#intake.take(); fetched !== undefined; fetched = this.#intake.take()) {
      const task = this.#tasks.running.get(fetched.partition)
      if (task !== undefined) return readerFor(task, fetched, this.#surroundings)
      this.#intake.done(fetched.bytes.length)
    }
    return undefined
  }
}
