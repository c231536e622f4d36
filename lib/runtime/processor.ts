import { DueWork, type DueWorkParts } from './due-work.js'
import { Aside } from './path/aside.js'
import type { Reader } from './path/reader.js'
import { readerFor } from './path/reader-for.js'
import type { WaitingPartition } from './watch/waiting-partition.js'
import type { Task } from './tasks/task.js'

/**
 * User work between two turns of the event loop: commits, heartbeats and fetches are never starved for longer. One half is for
 * records and one for what is due, as long as there is both: neither a backlog nor timers that are always due hold up the other.
 */
const sliceMs = 5
const halfMs = sliceMs / 2

/** Takes what was fetched through the pipeline, in order of arrival, and does what is due, a slice at a time. */
export class Processor {
  readonly #parts: DueWorkParts
  readonly #due: DueWork
  #reader: Reader | undefined
  /** Topics that are left alone. */
  #paused: ReadonlySet<string> = new Set()
  readonly #aside: Aside
  /** Who begins: with asynchronous turns whoever does may take all the room there is. */
  #beginsWithRecords = false
  records = 0
  /** The same by topic; counted once in a slice. */
  readonly recordsOf = new Map<string, number>()

  constructor(parts: DueWorkParts) {
    this.#parts = parts
    this.#due = new DueWork(parts)
    this.#aside = new Aside(parts.intake)
  }

  /** Processes for about one slice; true when there is more that can be done now. Throws what stops the app, and `Redo`. */
  slice(): boolean {
    const { clock } = this.#parts.surroundings
    this.#pause()
    const end = clock.elapsed() + sliceMs
    let recordsLeft = true
    let dueLeft = true
    this.#beginsWithRecords = !this.#beginsWithRecords
    if (this.#beginsWithRecords) recordsLeft = this.#read(clock.elapsed() + halfMs)
    if (this.#isBetweenRecords && this.#mayGoOn) dueLeft = !this.#due.run(clock.elapsed() + halfMs)
    if (recordsLeft && this.#mayGoOn && (!this.#beginsWithRecords || clock.elapsed() < end)) {
      recordsLeft = this.#read(end)
      // Windows close by what has been read.
      dueLeft = true
    }
    if (dueLeft && this.#isBetweenRecords && this.#mayGoOn && clock.elapsed() < end) dueLeft = !this.#due.run(end)
    return (recordsLeft || dueLeft) && this.#mayGoOn
  }

  /** Nothing that is due comes between the turns of one record, however many they are. */
  get #isBetweenRecords(): boolean {
    return this.#reader?.inRecord !== true
  }

  get #mayGoOn(): boolean {
    return this.#parts.halving.left > 0
  }

  /** Reads until time is up (`deadline`: clock.elapsed), or no more may be done; false when nothing is here any more. */
  #read(deadline: number): boolean {
    const { halving, cycle, surroundings, intake } = this.#parts
    while (this.#mayGoOn) {
      this.#reader ??= this.#nextReader()
      if (this.#reader === undefined || this.#isStuck) return false
      const { at, records, marks } = this.#reader
      const ended = this.#reader.run(deadline, halving.left)
      const taken = this.#reader.records - records
      halving.tookRecords(at.topic, at.partition, taken, this.#reader.lastOffset)
      const read = taken - (this.#reader.marks - marks)
      this.records += read
      this.recordsOf.set(at.topic, (this.recordsOf.get(at.topic) ?? 0) + read)
      cycle.worked(taken)
      if (ended) {
        this.#due.updateTime(this.#reader.task)
        this.#done()
      } else if (this.#reader.isHeld && !this.#reader.inRecord) {
        this.#aside.add(this.#reader)
        this.#reader = undefined
      }
      if (surroundings.passage.turns.isInterrupted) this.#pause()
      if (surroundings.clock.elapsed() >= deadline) break
    }
    return (this.#reader !== undefined && !this.#isStuck) || this.#aside.ready || !intake.dry
  }

  /** Some turns of a record are still to be run, and there is no room for them: nothing comes between them. */
  get #isStuck(): boolean {
    return this.#reader?.inRecord === true && this.#reader.isHeld
  }

  /** Partitions that are not read on, since what nobody answers for is needed to decode them. */
  get waiting(): readonly WaitingPartition[] {
    return this.#aside.waiting
  }

  /** Milliseconds until something is due, by the clock. */
  get dueInMs(): number {
    return this.#due.dueInMs
  }

  /** Whether nothing is due that is not done, and no turn is under way. Ask it when all that is there has been processed. */
  get idle(): boolean {
    return this.#parts.surroundings.passage.turns.flights.idle && this.#due.idle
  }

  /** All that is there has been processed. Whether event time was waiting for partitions that have given nothing: it does not any more. */
  concludeWaits(): boolean {
    return this.#due.concludeWaits()
  }

  /** Lets go of what is being read: its task stops, or it will be read again. `isGone`: of whom. */
  drop(isGone: (reader: Reader) => boolean = () => true): void {
    this.#aside.drop(isGone)
    if (this.#reader === undefined || !isGone(this.#reader)) return
    if (!this.#isBetweenRecords) this.#parts.surroundings.passage.turns.unfinished.clear()
    this.#done()
  }

  #done(): void {
    if (this.#reader !== undefined) this.#parts.intake.done(this.#reader.bytes)
    this.#reader = undefined
  }

  /** Lets go of what is being read for a task that has stopped or was rewound; another one reads on where it is. */
  dropUnlessRetained(rewound: ReadonlySet<Task>): void {
    this.drop(({ task }) => rewound.has(task) || this.#parts.tasks.running.get(task.index) !== task)
  }

  /** What inputs read that pause is left alone; nothing comes between the turns of one record. */
  #pause(): void {
    const { breakers, intake, tasks, surroundings } = this.#parts
    surroundings.passage.turns.isInterrupted = false
    const { topics } = breakers
    if (topics === this.#paused) return
    const isPaused = ({ at }: Reader): boolean => topics.has(at.topic)
    if (this.#reader !== undefined && isPaused(this.#reader)) {
      if (this.#reader.inRecord) return
      this.#done()
    }
    this.#aside.drop(isPaused)
    this.#paused = topics
    intake.pause(topics, tasks.running.values())
  }

  #nextReader(): Reader | undefined {
    const { intake, tasks, surroundings } = this.#parts
    const goesOn = this.#aside.take()
    if (goesOn !== undefined) return goesOn
    for (let fetched = intake.take(); fetched !== undefined; fetched = intake.take()) {
      const task = tasks.running.get(fetched.partition)
      if (task !== undefined) return readerFor(task, fetched, surroundings)
      intake.done(fetched.bytes.length)
    }
    return undefined
  }
}
