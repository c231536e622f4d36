import type { CommitCycle } from './commit-cycle.js'
import type { Intake } from './intake.js'
import { reader, type Reader, type ReaderSurroundings } from './reader.js'
import type { Task } from './task.js'
import type { TaskSet } from './task-set.js'

/** User work between two turns of the event loop: commits, heartbeats and fetches are never starved for longer. */
const sliceMs = 5

/** Takes what was fetched through the pipeline, a slice at a time, in order of arrival. */
export class Processor {
  readonly #intake: Intake
  readonly #tasks: TaskSet
  readonly #cycle: CommitCycle
  readonly #surroundings: ReaderSurroundings
  #reader: Reader | undefined
  records = 0

  constructor(intake: Intake, tasks: TaskSet, cycle: CommitCycle, surroundings: ReaderSurroundings) {
    this.#intake = intake
    this.#tasks = tasks
    this.#cycle = cycle
    this.#surroundings = surroundings
  }

  /** Processes for at most one slice; true when there is more. */
  slice(): boolean {
    const { clock } = this.#surroundings
    const deadline = clock.elapsed() + sliceMs
    do {
      this.#reader ??= this.#nextReader()
      if (this.#reader === undefined) return false
      const before = this.#reader.records
      const ended = this.#reader.run(deadline)
      const taken = this.#reader.records - before
      this.records += taken
      this.#cycle.worked(taken)
      if (!ended) return true
      this.drop()
    } while (clock.elapsed() < deadline)
    return !this.#intake.dry
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
      if (task !== undefined) return reader(task, fetched, this.#surroundings)
      this.#intake.done(fetched.bytes.length)
    }
    return undefined
  }
}
