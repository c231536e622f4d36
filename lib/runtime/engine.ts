import { MillraceError, reasonOf } from '../core/errors.js'
import type { CommitChannel, Generation, Membership } from '../log/port.js'
import type { EngineOptions, Health, Stats } from './engine-options.js'
import { joinGroup, type Assigned } from './group.js'
import { Jobs } from './jobs.js'
import { openChannel, openParts, type Parts } from './parts.js'
import type { Task } from './task.js'
import { Wake } from './wake.js'

/** Longest sleep of an idle loop; everything that matters wakes it. */
const idleMs = 1_000

/** Refused commits after which the input is read again from the last one; all other failures stop the app. */
const recoverable = new Set(['GENERATION_STALE', 'MEMBER_UNKNOWN', 'COMMIT_ABORTED', 'FENCED', 'OUTCOME_UNKNOWN'])

/**
 * One process's share of an app: a loop that alternates slices of processing with commits, and with jobs that must not
 * overlap with them. Life: `start`, then running until `stop` or a failure.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #onFailure: (error: unknown) => void
  readonly #wake: Wake
  readonly #jobs: Jobs
  readonly #listeners = new Set<() => void>()
  #parts: Parts | undefined
  #membership: Membership | undefined
  #generation: Generation | undefined
  #loop: Promise<void> = Promise.resolve()
  #started: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #stopping = false
  #closed = false
  /** Without an assignment that holds, nothing is processed. */
  #revoked = true
  #failure: { readonly error: unknown } | undefined
  #ready = (): void => undefined
  #refused = 0
  #rollbacks = 0

  /** `onFailure` is called once, with what stopped the engine; `stop` is still to be called. */
  constructor(options: EngineOptions, onFailure: (error: unknown) => void) {
    this.#options = options
    this.#onFailure = onFailure
    this.#wake = new Wake(options.clock)
    this.#jobs = new Jobs(this.#wake.wake)
  }

  /**
   * Resolves when the first assignment is restored and running. Rejects with what stopped the engine before that, with
   * `APP_CLOSED` when that was `stop`.
   */
  start(): Promise<void> {
    const starting = this.#start()
    this.#started = starting.catch(() => undefined)
    return starting
  }

  async #start(): Promise<void> {
    try {
      const parts = await openParts(this.#options, {
        generation: () => this.#generation as Generation,
        onArrival: this.#wake.wake,
        onReady: (task) => this.#do(() => this.#begin(task)),
        onCommitted: () => this.#committed(),
        onRefusedCommit: (error) => this.#recover(error),
        onRefusedRecord: (error) => this.#refusedRecord(error),
        onError: (error) => this.#fail(error),
      })
      if (this.#closed) await this.#close(parts)
      this.#parts = parts
      if (!this.#stopping) await this.#joinAndRun(parts)
    } catch (error) {
      if (!this.#stopping) this.#fail(error)
    }
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stopping) throw this.#notRunning()
  }

  async #joinAndRun(parts: Parts): Promise<void> {
    this.#loop = this.#run(parts)
    const ready = new Promise<void>((resolve) => (this.#ready = resolve))
    this.#membership = await joinGroup(this.#options, parts, {
      onRevoke: () => this.#forGroup(() => this.#revoke(parts)),
      onAssign: (assigned) => this.#forGroup(() => this.#assign(parts, assigned)),
      onLost: (reason, fatal) => this.#lost(parts, reason, fatal),
    })
    if (this.#closed) await this.#membership.leave()
    await ready
  }

  /**
   * Commits what is done, closes the stores with their clean marker and leaves the group. What has not ended after
   * `timeoutMs` is left behind, as in a crash. After a failure nothing more is committed. Never rejects; calling twice is
   * allowed.
   */
  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs)
    return this.#stopped
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.#wake.wake()
    const inTime = new AbortController()
    await Promise.race([this.#finish(), this.#options.clock.sleep(timeoutMs, inTime.signal)])
    inTime.abort()
    this.#endJobs()
    this.#closed = true
    if (this.#parts !== undefined) await this.#close(this.#parts)
    this.#committed()
  }

  /** Waits for what is under way, a start and the commit in flight included, and unless something failed makes a last commit. */
  async #finish(): Promise<void> {
    await this.#loop
    this.#endJobs()
    await this.#started
    const cycle = this.#parts?.cycle
    const commits = this.#failure === undefined && !this.#revoked && cycle?.broken === false
    await (commits ? cycle.commitAll() : cycle?.settled())?.catch((error: unknown) => this.#fail(error))
  }

  /** Nothing is processed any more, so what the group waits for may pass, and a start need not wait for its tasks. */
  #endJobs(): void {
    this.#jobs.close()
    this.#ready()
  }

  async #close({ intake, tasks, cycle, folder }: Parts): Promise<void> {
    // The channel goes first: a commit that still waits for a broker ends here, undecided, as in a crash.
    const steps = [
      () => cycle.channel[Symbol.asyncDispose](),
      () => intake.close(),
      () => tasks.dropAll(),
      () => this.#membership?.leave(),
      () => folder.close(),
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        this.#options.logger.warn({ error }, `closing went on after an error: ${reasonOf(error)}`)
      }
    }
  }

  // ── the loop ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #run(parts: Parts): Promise<void> {
    try {
      while (!this.#stopping) {
        await this.#jobs.runAll()
        if (!this.#stopping) await this.#step(parts)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  async #step({ cycle, processor }: Parts): Promise<void> {
    if (this.#revoked || cycle.broken) return this.#wake.wait(idleMs)
    const more = processor.slice()
    const due = cycle.dueIn(!more)
    if (due === 0) await cycle.start()
    if (more) return this.#options.clock.breathe()
    return this.#wake.wait(Math.min(due === 0 ? 0 : (due ?? idleMs), idleMs))
  }

  /** Runs a job between slices; its failure stops the engine. */
  #do(job: () => Promise<void>): void {
    this.#jobs.add(job).catch((error: unknown) => this.#fail(error))
  }

  /** A job the group waits for: its failure stops the engine with its own error, not with the group's. */
  async #forGroup(job: () => Promise<void>): Promise<void> {
    try {
      await this.#jobs.add(job)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  // ── tasks come and go ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The barrier before a rebalance: it saves work, correctness does not rely on it. */
  async #revoke({ cycle }: Parts): Promise<void> {
    if (!this.#revoked) await cycle.commitAll()
    this.#revoked = true
  }

  /** Retained is what this member had in the generation just before; all else is taken over anew. */
  async #assign(parts: Parts, { generation, tasks, alive, continuous }: Assigned): Promise<void> {
    this.#generation = generation
    await parts.cycle.settled()
    if (!continuous) await parts.tasks.dropAll()
    await parts.tasks.assign(tasks, alive)
    parts.processor.dropStopped()
    parts.intake.assign(parts.tasks.running.values(), new Set())
    this.#revoked = false
    if (parts.tasks.ready) this.#ready()
  }

  async #begin(task: Task): Promise<void> {
    const parts = this.#parts
    if (parts === undefined || parts.tasks.running.get(task.index) !== task) return
    parts.intake.assign(parts.tasks.running.values(), new Set([task]))
    if (parts.tasks.ready) this.#ready()
  }

  #lost(parts: Parts, reason: string, fatal: boolean): void {
    if (this.#stopping) return
    this.#revoked = true
    const what = `no longer a member of group '${this.#options.app}': ${reason}`
    if (fatal) return this.#fail(new MillraceError('FENCED', what))
    this.#options.logger.warn({ reason }, what)
    this.#do(async () => {
      await parts.cycle.settled()
      parts.processor.drop()
      await parts.tasks.suspend()
      await parts.tasks.dropAll()
      parts.intake.assign([], new Set())
      parts.cycle.renew(await this.#cleanChannel(parts.cycle.channel))
    })
  }

  /** A commit was refused: everything since the last one is dropped and read again. */
  #recover(error: unknown): void {
    if (this.#stopping) return
    if (!MillraceError.is(error) || !recoverable.has(error.code)) return this.#fail(error)
    this.#rollbacks++
    this.#options.logger.warn({ error }, `a commit was not made, its input is read again: ${error.message}`)
    this.#do(async () => {
      const parts = this.#parts
      if (parts === undefined || !parts.cycle.broken) return
      parts.processor.drop()
      const stopped = await parts.tasks.suspend()
      parts.intake.assign([], new Set())
      parts.cycle.renew(await this.#cleanChannel(parts.cycle.channel, error))
      if (error.code !== 'GENERATION_STALE' && error.code !== 'MEMBER_UNKNOWN') return parts.tasks.retake(stopped)
      // Who owns these tasks now is for the next assignment to say.
      this.#revoked = true
      this.#membership?.rejoin(error.message)
    })
  }

  /**
   * A channel with no transaction open: this one after an abort; a new one where that is refused, or where `cause` says
   * that the producer is no longer ours (then there is nothing to abort, and the next `begin` would only say so again).
   */
  async #cleanChannel(channel: CommitChannel, cause?: MillraceError): Promise<CommitChannel> {
    try {
      await channel.abort()
      if (cause?.code !== 'FENCED' && cause?.code !== 'OUTCOME_UNKNOWN') return channel
    } catch (error) {
      this.#options.logger.warn({ error }, `the producer is opened anew: ${reasonOf(error)}`)
    }
    await channel[Symbol.asyncDispose]()
    return openChannel(this.#options)
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#stopping = true
    this.#options.logger.error({ error }, `the app stops: ${reasonOf(error)}`)
    this.#ready()
    this.#committed()
    this.#onFailure(error)
  }

  // ── what others ask ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The parts while they run; throws what stopped the engine, or `APP_CLOSED`. */
  get parts(): Parts {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#parts === undefined || this.#stopping) throw this.#notRunning()
    return this.#parts
  }

  #notRunning(): MillraceError {
    return new MillraceError('APP_CLOSED', `app '${this.#options.app}' is not running: start() it first, and ask before close()`)
  }

  /** What stopped the engine, if something did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  get options(): EngineOptions {
    return this.#options
  }

  get health(): Health {
    const parts = this.#parts
    const ready = parts !== undefined && !this.#stopping && !this.#revoked && !parts.cycle.broken && parts.tasks.ready
    return { live: this.#failure === undefined && !this.#closed, ready, lag: parts === undefined ? 0 : lagOf(parts) }
  }

  get stats(): Stats {
    const { turns = 0, hops = 0, dropped = 0 } = this.#parts?.passage ?? {}
    const { restoredRecords = 0, restoredBytes = 0 } = this.#parts?.tasks ?? {}
    const records = this.#parts?.processor.records ?? 0
    const commits = this.#parts?.cycle.commits ?? 0
    return { records, turns, hops, dropped, refused: this.#refused, commits, rollbacks: this.#rollbacks, restoredRecords, restoredBytes }
  }

  /** Calls `listener` after each commit, and when the engine stops, until the returned function is called. */
  onCommitted(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #committed(): void {
    for (const listener of this.#listeners) listener()
    this.#wake.wake()
  }

  #refusedRecord(error: unknown): void {
    this.#refused++
    this.#options.logger.debug({ error }, `a record was refused: ${reasonOf(error)}`)
  }
}

function lagOf({ tasks, intake }: Parts): number {
  let lag = 0
  for (const task of tasks.running.values()) {
    for (const [topic, position] of task.positions) lag += Math.max(0, (intake.highWatermark(topic, task.index) ?? position) - position)
  }
  return lag
}
