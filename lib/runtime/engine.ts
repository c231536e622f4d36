import { MillraceError, reasonOf } from '../core/errors.js'
import type { EngineOptions, Health, Stats } from './engine-options.js'
import { Jobs } from './jobs.js'
import { Ownership } from './ownership.js'
import { openParts, type Parts } from './parts.js'
import { Wake } from './wake.js'

/** Longest sleep of an idle loop; everything that matters wakes it. */
const idleMs = 1_000

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
  #ownership: Ownership | undefined
  #loop: Promise<void> = Promise.resolve()
  #started: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #stopping = false
  #closed = false
  #failure: { readonly error: unknown } | undefined
  #ready = (): void => undefined
  #refused = 0

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
        generation: () => (this.#ownership as Ownership).generation,
        successor: (refused, tasks) => (this.#ownership as Ownership).successor(refused, tasks),
        onArrival: this.#wake.wake,
        onReady: (task) => this.#ownership?.begin(task),
        onCommitted: () => this.#committed(),
        onRefusedCommit: (error) => this.#ownership?.recover(error),
        onRefusedRecord: (error) => this.#refusedRecord(error),
        onError: (error) => this.#fail(error),
      })
      this.#parts = parts
      if (this.#closed) await this.#close(parts)
      if (!this.#stopping) await this.#joinAndRun(parts)
    } catch (error) {
      if (!this.#stopping) this.#fail(error)
    }
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stopping) throw this.#notRunning()
  }

  async #joinAndRun(parts: Parts): Promise<void> {
    const ready = new Promise<void>((resolve) => (this.#ready = resolve))
    const ownership = new Ownership(this.#options, parts, this.#jobs, {
      onReady: this.#ready,
      onError: (error) => this.#fail(error),
    })
    this.#ownership = ownership
    this.#loop = this.#run(parts, ownership)
    await ownership.join()
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
    this.#halt()
    const inTime = new AbortController()
    await Promise.race([this.#finish(), this.#options.clock.sleep(timeoutMs, inTime.signal)])
    inTime.abort()
    this.#endJobs()
    this.#closed = true
    if (this.#parts !== undefined) await this.#close(this.#parts)
    this.#committed()
  }

  #halt(): void {
    this.#stopping = true
    this.#ownership?.end()
    this.#wake.wake()
  }

  /** Waits for what is under way, a start and the commit in flight included, and unless something failed makes a last commit. */
  async #finish(): Promise<void> {
    await this.#loop
    this.#endJobs()
    await this.#started
    const cycle = this.#parts?.cycle
    const commits = this.#failure === undefined && this.#ownership?.holds === true
    await (commits ? cycle?.commitAll() : cycle?.settled())?.catch((error: unknown) => this.#fail(error))
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
      () => this.#ownership?.leave(),
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

  async #run(parts: Parts, ownership: Ownership): Promise<void> {
    try {
      while (!this.#stopping) {
        await this.#jobs.runAll()
        if (!this.#stopping) await this.#step(parts, ownership)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  async #step({ cycle, processor }: Parts, ownership: Ownership): Promise<void> {
    // A commit in flight may wait for an assignment, which is a job of this loop: so the loop must not wait for it.
    if (!ownership.holds || cycle.overdue) return this.#wake.wait(idleMs)
    const more = processor.slice()
    const due = cycle.sending ? undefined : cycle.dueIn(!more)
    if (due === 0) await cycle.start()
    if (more) return this.#options.clock.breathe()
    return this.#wake.wait(Math.min(due === 0 ? 0 : (due ?? idleMs), idleMs))
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#halt()
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
    return new MillraceError(
      'APP_CLOSED',
      `app '${this.#options.app}' is not running: start() it first, and ask before close()`,
    )
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
    const ready = parts !== undefined && !this.#stopping && this.#ownership?.holds === true && parts.tasks.ready
    return {
      live: this.#failure === undefined && !this.#closed,
      ready,
      lag:
        parts === undefined ? 0 : parts.tasks.lag((topic, partition) => parts.intake.highWatermark(topic, partition)),
    }
  }

  get stats(): Stats {
    const { turns = 0, hops = 0, dropped = 0 } = this.#parts?.passage ?? {}
    const { restoredRecords = 0, restoredBytes = 0 } = this.#parts?.tasks ?? {}
    const records = this.#parts?.processor.records ?? 0
    const commits = this.#parts?.cycle.commits ?? 0
    const rollbacks = this.#ownership?.rollbacks ?? 0
    const refused = this.#refused
    return { records, turns, hops, dropped, refused, commits, rollbacks, restoredRecords, restoredBytes }
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
