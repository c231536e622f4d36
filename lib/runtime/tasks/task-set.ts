import { unlessAborted } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { KindDefinition } from '../../model/kind.js'
import { inboxTopic } from '../../model/names.js'
import { timedTopics, usesEventTime, type Program } from '../../model/program.js'
import { catchUpAgain, takeOver, type RestoreProgress, type TakeOverOptions } from '../../state/take-over.js'
import { demandUsable } from '../../state/usable.js'
import { Agenda } from '../../turn/due/agenda.js'
import { RecordTimes, type TimeRule } from '../../turn/due/record-times.js'
import { SourceTime } from '../../turn/due/source-time.js'
import type { StreamTimeOptions } from '../../turn/due/stream-time.js'
import type { TaskState } from '../../state/task-state.js'
import { Beginnings } from './beginnings.js'
import { Task } from './task.js'
import { takeOverOptions, type TakeOverSurroundings } from './take-over-options.js'

/** While a takeover waits for an open transaction, dead owners are looked for this often. */
const fenceAgainMs = 500

/** What is kept of a task that was stopped and is to be taken over anew. */
interface Suspended {
  readonly state: TaskState
  readonly times: Task['times']
}

export interface TaskSetOptions extends TakeOverSurroundings {
  /** The state of a task this process kept a standby of. */
  readonly standby: (task: number) => Promise<TaskState | undefined>
  readonly onClosed: (state: TaskState) => void
  /** A task is restored and may run; called once per takeover, from no particular stack. */
  readonly onReady: (task: Task) => void
  readonly onError: (error: unknown) => void
  readonly onRestoring: (progress: RestoreProgress) => void
  /** More of what is due in a task is known. */
  readonly onDue: () => void
}

/** The tasks of this process: running ones, and those being taken over. */
export class TaskSet {
  readonly #options: TaskSetOptions
  readonly #beginnings: Beginnings
  /** Undefined when nothing in the app asks for event time. */
  readonly #times: RecordTimes | undefined
  readonly #running = new Map<number, Task>()
  readonly #taking = new Map<number, { readonly stop: AbortController; readonly done: Promise<void> }>()
  /** Open states of tasks that do not run: their next takeover rolls them forward. */
  readonly #suspended = new Map<number, Suspended>()
  /** Stores of tasks given up, until they are closed: none is opened again before. */
  readonly #closing = new Map<number, Promise<void>>()
  #alive: ReadonlySet<string> = new Set()
  /** See `keeps`. */
  #keeps = false
  #stopFencing: (() => void) | undefined
  restoredRecords = 0
  restoredBytes = 0

  constructor(options: TaskSetOptions) {
    this.#options = options
    this.#beginnings = new Beginnings(options.engine, options.topology)
    const { engine, topology } = options
    if (topology.kinds.some(usesEventTime)) this.#times = new RecordTimes(timeRules(engine.program), engine.clock)
  }

  get running(): ReadonlyMap<number, Task> {
    return this.#running
  }

  /** Tasks this process has been given: those that run, are being taken over, or are stopped until taken over anew. */
  get held(): readonly number[] {
    return [...new Set([...this.#running.keys(), ...this.#taking.keys(), ...this.#suspended.keys()])]
  }

  /** Records between the positions of running tasks and the ends of their partitions, as far as these are known. */
  lag(endOf: (topic: string, partition: number) => number | undefined): number {
    let lag = 0
    for (const { index, positions } of this.#running.values()) {
      for (const [topic, position] of positions) lag += Math.max(0, (endOf(topic, index) ?? position) - position)
    }
    return lag
  }

  /** Objects in quarantine, of running tasks. */
  get quarantined(): number {
    let count = 0
    for (const { agenda } of this.#running.values()) count += agenda?.quarantines.size ?? 0
    return count
  }

  /** Objects of which a turn is to be tried again, of running tasks. */
  get retries(): number {
    let count = 0
    for (const { agenda } of this.#running.values()) count += agenda?.retries.size ?? 0
    return count
  }

  /** Whether something was done that is not sealed yet. */
  get anyMoved(): boolean {
    return [...this.#running.values()].some(({ moved }) => moved)
  }

  /** Whether every assigned task runs. */
  get ready(): boolean {
    return this.#taking.size === 0
  }

  /**
   * Whether it has run all that it was assigned once, and has not had to stop a task since but for those that went elsewhere: what
   * is being taken over came to it from others.
   */
  get keeps(): boolean {
    return this.#keeps
  }

  /** Tasks being taken over, also those that wait for it. */
  get taking(): readonly number[] {
    return this.held.filter((task) => !this.#running.has(task))
  }

  /**
   * Makes this the set of tasks: gives up those not named, takes over those that do not run, and anew those that have
   * `gained` a partition. Call with nothing uncommitted.
   */
  async assign(tasks: readonly number[], alive: ReadonlySet<string>, gained: ReadonlySet<number>): Promise<void> {
    this.#alive = alive
    const wanted = new Set(tasks.filter((index) => !gained.has(index)))
    await this.#giveUp((index) => !wanted.has(index))
    // Tasks that stay do not wait for the disk; one that comes back does.
    for (const closed of this.#closing.values()) closed.catch(this.#options.onError)
    const missing = tasks.filter((index) => !this.#running.has(index) && !this.#taking.has(index))
    this.#takeAll(missing)
    this.#settled()
  }

  #settled(): void {
    if (this.#taking.size === 0) this.#keeps = true
  }

  /** Gives up all tasks; resolves when their stores are closed. */
  async dropAll(): Promise<void> {
    if (this.#running.size > 0) this.#keeps = false
    await this.#giveUp(() => true)
    await Promise.all(this.#closing.values())
  }

  /**
   * Takes back what running tasks have done since the last seal, with no commit in flight and all turns under way cut off. Returns
   * those that had done something, or had such turns.
   */
  rewind(): ReadonlySet<Task> {
    const rewound = new Set(
      [...this.#running.values()].filter(({ moved, state }) => moved || state?.anyParked === true),
    )
    for (const task of rewound) task.rewind(this.#options.engine.clock.now())
    return rewound
  }

  /**
   * Stops all running tasks and drops what they have not committed; they run again when taken over anew.
   * Returns which they were.
   */
  async suspend(): Promise<readonly number[]> {
    const stopped = [...this.#running.values()]
    if (stopped.length > 0) this.#keeps = false
    this.#running.clear()
    for (const { index, state, agenda, times } of stopped) {
      agenda?.close()
      if (state === undefined) continue
      await state.discard()
      this.#suspended.set(index, { state, times })
    }
    return stopped.map(({ index }) => index)
  }

  /** Takes suspended tasks over anew, after a commit that failed or whose outcome is unknown. */
  retake(tasks: readonly number[]): void {
    this.#takeAll(tasks)
  }

  /** The same back to the last commit, when what was sealed has been aborted. */
  async rewindToCommitted(): Promise<ReadonlySet<Task>> {
    const rewound = new Set(this.#running.values())
    await Promise.all([...rewound].map((task) => task.rewindToCommitted(this.#options.engine.clock.now())))
    return rewound
  }

  async #giveUp(which: (index: number) => boolean): Promise<void> {
    const taking = [...this.#taking].filter(([index]) => which(index))
    for (const [, { stop }] of taking) stop.abort()
    await Promise.all(taking.map(([, { done }]) => done))
    for (const [index, { state, agenda }] of this.#running) {
      if (!which(index)) continue
      this.#running.delete(index)
      agenda?.close()
      if (state !== undefined) this.#close(index, state)
    }
    for (const [index, { state }] of this.#suspended) {
      if (!which(index)) continue
      this.#suspended.delete(index)
      this.#close(index, state)
    }
  }

  #close(index: number, state: TaskState): void {
    const closed = state.close().finally(() => {
      this.#closing.delete(index)
      this.#options.onClosed(state)
    })
    this.#closing.set(index, closed)
  }

  /** Resolves when the store of a task that was given up is closed. */
  released(index: number): Promise<void> | undefined {
    return this.#closing.get(index)
  }

  /** Aborts what dead owners left open; their transactions would block a takeover until they time out. Saves time only. */
  async #fence(): Promise<void> {
    const { engine } = this.#options
    if (engine.guarantee === 'at-least-once') return
    try {
      const fenced = await engine.log.admin.fence(`${engine.app}:`, this.#alive)
      if (fenced.length > 0) engine.logger.info({ fenced }, `aborted ${fenced.length} transactions of dead members`)
    } catch (error) {
      engine.logger.warn({ err: error }, `dead members' transactions are left to their time-out: ${reasonOf(error)}`)
    }
  }

  #takeAll(tasks: readonly number[]): void {
    if (tasks.length === 0) return
    const prepared = Promise.all([this.#fence(), this.#beginnings.demandTopics()])
    for (const index of tasks) this.#take(index, prepared)
  }

  #take(index: number, prepared: Promise<unknown>): void {
    const { engine, onReady, onError } = this.#options
    const stop = new AbortController()
    this.#stopFencing ??= engine.clock.every(fenceAgainMs, () => void this.#fence())
    const done = prepared
      .then(() => this.#restore(index, stop.signal))
      .then((task) => {
        this.#taking.delete(index)
        if (task === undefined) return
        this.#running.set(index, task)
        this.#settled()
        onReady(task)
      })
      .catch((error: unknown) => {
        this.#taking.delete(index)
        if (!stop.signal.aborted) onError(error)
      })
      .finally(() => this.#takenOver())
    this.#taking.set(index, { stop, done })
  }

  /** One timer fences for all takeovers; it ends with the last of them. */
  #takenOver(): void {
    if (this.#taking.size > 0) return
    this.#stopFencing?.()
    this.#stopFencing = undefined
  }

  async #restore(index: number, signal: AbortSignal): Promise<Task | undefined> {
    await this.#closing.get(index)
    // It may wait for a transaction whose owner has died; whom to fence is only known from the next assignment, which must not wait for it.
    const offsets = signal.aborted ? undefined : await unlessAborted(this.#beginnings.offsets(index), signal)
    if (offsets === undefined) return undefined
    if (index >= this.#options.topology.stateTasks) {
      const begins = await this.#beginnings.withoutState(offsets, signal)
      return signal.aborted ? undefined : new Task(index, undefined, begins, this.#sourceTimes(index))
    }
    const options = this.#takeOverOptions(index, signal)
    const suspended = this.#suspended.get(index)
    const open = suspended?.state ?? (await this.#options.standby(index))
    this.#suspended.delete(index)
    const state = open === undefined ? await takeOver(options) : await catchUpAgain(open, options)
    if (state === undefined) return undefined
    try {
      await demandUsable(state, suspended !== undefined)
      const begins = await this.#beginnings.withState(offsets, state)
      const times = this.#sourceTimes(index)
      const agenda = await this.#agenda(index, state, times)
      const task = new Task(index, agenda, begins, times)
      for (const [topic, time] of times) time.silentAs(suspended?.times.get(topic))
      if (!signal.aborted) return task
    } catch (error) {
      await state.close().catch(() => undefined)
      throw error
    }
    await state.close()
    return undefined
  }

  #takeOverOptions(index: number, signal: AbortSignal): TakeOverOptions {
    const options = takeOverOptions(this.#options, index, signal, (records, bytes, progress) => {
      this.restoredRecords += records
      this.restoredBytes += bytes
      this.#options.onRestoring(progress)
    })
    return { ...options, onMadeAnew: (changelog) => this.#beginnings.demandEarlier(changelog, index, signal) }
  }

  async #agenda(index: number, state: TaskState, sources: ReadonlyMap<string, SourceTime>): Promise<Agenda> {
    const { engine, topology, onDue, onError } = this.#options
    const streams = this.#times && topology.kinds.map((kind) => this.#stream(kind, index, sources))
    const agenda = new Agenda(index, state, {
      app: engine.app,
      times: this.#times,
      streams: streams ?? [],
      onRead: onDue,
      onError,
    })
    await agenda.open(engine.clock.now())
    return agenda
  }

  #stream(kind: KindDefinition, task: number, sources: ReadonlyMap<string, SourceTime>): StreamTimeOptions | undefined {
    if (!usesEventTime(kind)) return undefined
    const { engine, topology } = this.#options
    const { all, hopping, inPlace } = timedTopics(kind)
    const own = [...sources.values()].filter(({ topic }) => inPlace.has(topic))
    const countOf = (topic: string): number =>
      hopping.has(topic) ? (topology.inputs.get(topic) ?? 0) : Number(sources.has(topic))
    const timed = topology.kinds.filter(usesEventTime)
    return {
      kind: kind.name,
      inboxes: new Map(timed.map(({ name }) => [name, inboxTopic(engine.app, name)])),
      task,
      topics: new Map([...all].map((topic) => [topic, () => countOf(topic)])),
      sources: own,
    }
  }

  /** Of the partitions of a task whose timestamps are event time to some kind. */
  #sourceTimes(task: number): ReadonlyMap<string, SourceTime> {
    const { kinds, inputs, stateTasks } = this.#options.topology
    const times = new Map<string, SourceTime>()
    for (const { all, hopping, inPlace } of kinds.map(timedTopics)) {
      for (const topic of all) {
        if (task >= (inputs.get(topic) ?? 0)) continue
        const isElsewhere = stateTasks > 1 || task >= stateTasks || !inPlace.has(topic)
        const tells = (hopping.has(topic) && isElsewhere) || times.get(topic)?.tells === true
        times.set(topic, new SourceTime(topic, tells, this.#times as RecordTimes))
      }
    }
    return times
  }
}

const timeRules = ({ sources }: Program): ReadonlyMap<string, TimeRule> =>
  new Map(
    sources.map(({ name, maxAheadMs, timestamp }) => [name, { maxAheadMs, isExtracted: timestamp !== undefined }]),
  )
