import { MillraceError, reasonOf } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import type { Fetched, Fetcher } from '../../log/port.js'
import { changelogFacts, tombstoneRetentionMs, type TaskFacts } from '../../state/open-store.js'
import { Standby } from '../../state/standby.js'
import { takeOver } from '../../state/take-over.js'
import type { TaskState } from '../../state/task-state.js'
import { takeOverOptions, type TakeOverSurroundings } from './take-over-options.js'

/** Of one partition in one answer: what is applied between two turns of the event loop. */
const maxBytes = 256 << 10
/** After answers with less than this, the next waits so that commits come together and cost one store batch. */
const enoughBytes = 256 << 10
const gatherMs = 100
/** How often standbys are compared with their changelogs; more often where tombstones are kept for less than ten times as long. */
const lookMs = 10_000

export interface StandbysOptions extends TakeOverSurroundings {
  /** Resolves when the store of a task that ran here is closed. */
  readonly released: (task: number) => Promise<void> | undefined
  readonly onClosed: (state: TaskState) => void
  readonly onError: (error: unknown) => void
}

/** One task's standby, from the assignment on. */
interface Seat {
  readonly stop: AbortController
  /** Set once its turn has come: standbys are restored one after the other. */
  opened: Promise<TaskState | undefined> | undefined
  standby: Standby | undefined
}

/**
 * Second copies of the state of tasks that other members run: each is taken over as if to run it, and then follows its
 * changelogs. One fetcher reads for all; without standbys there is none.
 */
export class Standbys {
  readonly #options: StandbysOptions
  readonly #seats = new Map<number, Seat>()
  readonly #closing = new Map<number, Promise<void>>()
  #queue: Promise<unknown> = Promise.resolve()
  #fetcher: Fetcher | undefined
  #following: Promise<void> | undefined
  #stopLooking: (() => void) | undefined
  #looking = false
  /** Aborted when the fetcher is to be told of other positions. */
  #change = new AbortController()
  readonly #closed = new AbortController()
  /** Changelog records applied, those of the restores included. */
  records = 0

  constructor(options: StandbysOptions) {
    this.#options = options
  }

  get #transactional(): boolean {
    return this.#options.engine.guarantee === 'exactly-once'
  }

  get tasks(): readonly number[] {
    return [...this.#seats.keys()]
  }

  /** How many records each is behind, by task; of those that are still being restored nothing is known. */
  get lags(): ReadonlyMap<number, number> {
    const lags = new Map<number, number>()
    for (const [task, { standby }] of this.#seats) if (standby !== undefined) lags.set(task, standby.lag)
    return lags
  }

  /** Tasks whose standby is up to date. */
  get current(): readonly number[] {
    return [...this.#seats].flatMap(([task, { standby }]) => (standby?.isCurrent === true ? task : []))
  }

  /** States that follow their changelogs now. */
  get states(): readonly TaskState[] {
    return [...this.#seats.values()].flatMap(({ standby }) => standby?.state ?? [])
  }

  /** Makes these the tasks there are standbys of. Those in `owned` that there were wait to be handed over. */
  assign(tasks: readonly number[], owned: readonly number[]): void {
    const wanted = new Set([...tasks, ...owned])
    for (const task of this.#seats.keys()) if (!wanted.has(task)) this.#drop(task)
    for (const task of tasks) if (!this.#seats.has(task)) this.#open(task)
  }

  /**
   * The state of a task, no longer followed, for its takeover; undefined where there is none that is complete. In either
   * case no store of it is open here when this resolves.
   */
  async handOver(task: number): Promise<TaskState | undefined> {
    const state = await this.#take(task)
    await this.#closing.get(task)
    return state
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#change.abort()
    this.#stopLooking?.()
    for (const task of this.#seats.keys()) this.#drop(task)
    await this.#following
    await this.#fetcher?.[Symbol.asyncDispose]()
    await Promise.all(this.#closing.values())
  }

  // ── coming and going ───────────────────────────────────────────────────────────────────────────────────────────────

  #open(task: number): void {
    const seat: Seat = { stop: new AbortController(), opened: undefined, standby: undefined }
    this.#seats.set(task, seat)
    this.#queue = this.#queue.then(() => {
      if (seat.stop.signal.aborted) return undefined
      seat.opened = this.#bring(task, seat)
      return seat.opened
    })
  }

  /** Resolves to the state even when it is not wanted any more; never rejects. */
  async #bring(task: number, seat: Seat): Promise<TaskState | undefined> {
    const { signal } = seat.stop
    try {
      await this.#options.released(task)
      await this.#closing.get(task)
      const state = signal.aborted
        ? undefined
        : await takeOver(takeOverOptions(this.#options, task, signal, (records) => (this.records += records)))
      if (state === undefined || signal.aborted) return state
      seat.standby = new Standby(state, this.#options.topology.changelogs, this.#transactional)
      this.#changed()
      this.#following ??= this.#follow()
      return state
    } catch (error) {
      if (!signal.aborted) this.#options.onError(error)
      return undefined
    }
  }

  /** Takes a standby out; resolves to its state when nothing is done with it any more. */
  async #take(task: number): Promise<TaskState | undefined> {
    const seat = this.#seats.get(task)
    if (seat === undefined) return undefined
    this.#seats.delete(task)
    seat.stop.abort()
    this.#changed()
    await seat.standby?.end()
    return seat.opened
  }

  #drop(task: number, onError = this.#options.onError): void {
    const closing = this.#take(task)
      .then(async (state) => {
        await state?.close()
        if (state !== undefined) this.#options.onClosed(state)
      })
      .catch(onError)
      .finally(() => this.#closing.delete(task))
    this.#closing.set(task, closing)
  }

  /** Begins anew with a standby that cannot go on; `takeOver` finds out what is left of its store, also where it cannot be closed well. */
  #again(task: number, why: string): void {
    const { logger } = this.#options.engine
    logger.warn({ task }, `the standby of task ${task} is opened anew: ${why}`)
    this.#drop(task, (error) => logger.warn({ err: error, task }, `its store was not closed well: ${reasonOf(error)}`))
    this.#open(task)
  }

  // ── following ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #changed(): void {
    this.#change.abort()
  }

  async #follow(): Promise<void> {
    const { log, clock } = this.#options.engine
    const closed = this.#closed.signal
    // Rule standby-committed (integration/model).
    this.#fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes })
    this.#stopLooking = clock.every(this.#lookEveryMs(), () => void this.#lookAtAll())
    const ids = new Map(this.#options.topology.changelogs.map(({ topic, info }) => [topic, info.id]))
    let change = this.#change.signal
    while (!closed.aborted) {
      if (change.aborted) {
        this.#change = new AbortController()
        change = this.#change.signal
        this.#fetcher.assign(this.#positions(), ids)
      }
      try {
        const answers = await this.#fetcher.next(change)
        await this.#apply(answers)
        const bytes = answers.reduce((sum, { bytes: { length } }) => sum + length, 0)
        if (bytes < enoughBytes && !change.aborted) await clock.sleep(gatherMs, closed)
      } catch (error) {
        if (closed.aborted) return
        if (!this.#isOutOfRange(error)) return this.#options.onError(error)
      }
    }
  }

  async #apply(answers: readonly Fetched[]): Promise<void> {
    const { clock } = this.#options.engine
    for (const fetched of answers) {
      const task = fetched.partition
      const standby = this.#seats.get(task)?.standby
      if (standby === undefined) continue
      try {
        const records = await standby.apply(fetched, clock.now())
        // Not in one expression: `+=` would read it before the wait, and a restore may count meanwhile.
        this.records += records ?? 0
        if (records === undefined) this.#again(task, 'it stood still for longer than delete.retention.ms')
      } catch (error) {
        if (!MillraceError.is(error, 'STORE_DAMAGED')) throw error
        this.#again(task, error.message)
      }
      await clock.breathe()
    }
  }

  /** A changelog that was truncated, or deleted and made anew: the standby begins anew, from where it begins now. */
  #isOutOfRange(error: unknown): boolean {
    if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE') || error.partition === undefined) return false
    if (this.#seats.has(error.partition)) this.#again(error.partition, error.message)
    return true
  }

  #positions(): PositionMap['topics'] {
    const positions = new PositionMap()
    for (const [task, { standby }] of this.#seats) {
      for (const [topic, offset] of standby?.positions ?? []) positions.set(topic, task, offset)
    }
    return positions.topics
  }

  // ── how old they are ───────────────────────────────────────────────────────────────────────────────────────────────

  #lookEveryMs(): number {
    const retentions = this.#options.topology.changelogs.map(({ info }) => tombstoneRetentionMs(info))
    return Math.max(1, Math.min(lookMs, ...retentions.map((ms) => ms / 10)))
  }

  async #lookAtAll(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const { engine, topology } = this.#options
    for (const [task, seat] of this.#seats) {
      const { standby } = seat
      if (standby === undefined) continue
      const ask = (): Promise<TaskFacts> => changelogFacts(engine.log, task, topology.changelogs, this.#transactional)
      try {
        const why = await standby.look(ask, { now: engine.clock.now(), bootId: engine.bootId })
        if (why !== undefined && this.#seats.get(task) === seat) this.#again(task, why)
      } catch (error) {
        // What is wrong with a store shows when it is written to next; a broker that is away may come back.
        engine.logger.debug({ err: error, task }, `the standby of task ${task} was not looked at: ${reasonOf(error)}`)
      }
    }
    this.#looking = false
  }
}
