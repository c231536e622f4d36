import { MillraceError, reasonOf } from '../core/errors.js'
import { isHeard, publish } from '../core/telemetry/channels.js'
import { describing, unfailing, type Logger } from '../core/logger.js'
import { AppWatch, type Watched } from './app-watch.js'
import type { Generation } from '../log/port.js'
import type { EngineOptions, Health, Stats } from './setup/engine-options.js'
import { Schemas } from './setup/schemas.js'
import { ownTopicGone } from './setup/topic-ids.js'
import { Jobs } from './jobs.js'
import { StateRefused } from '../state/table.js'
import { Counters } from '../turn/running/counters.js'
import { guardOf } from '../turn/kept/guard.js'
import { Redo } from '../turn/turns.js'
import { Ownership } from './ownership.js'
import { openParts, type Parts } from './parts.js'
import { Wake } from './wake.js'

/** Longest sleep of an idle loop; everything that matters wakes it. */
const idleMs = 1_000
/** Between two looks at whether turns that a commit waits for still end soon. */
const awaitedMs = 5
/** So long the group waits for stores to be closed. */
const storesFirstMs = 100
/** How long closing waits for each of group, stores and folder: a disk that hangs must not hold up the end of the process. */
const storesMs = 5_000
/** The same when brokers are away: a takeover may be waiting for them, and its store is given up as in a crash. */
const storesAloneMs = 1_000

/**
 * One process's share of an app: a loop that alternates slices of processing with commits, and with jobs that must not
 * overlap with them. Life: `start`, then running until `stop` or a failure.
 */
export class Engine {
  readonly #options: EngineOptions
  /** What turns log is left as it is. */
  readonly #turnLog: Logger
  readonly #onFailure: (error: unknown) => void
  readonly #wake: Wake
  readonly #jobs: Jobs
  readonly #listeners = new Set<() => void>()
  /** Tells what the engine is doing. */
  readonly watch: AppWatch
  readonly #schemas: Schemas
  readonly #halting = new AbortController()
  #parts: Parts | undefined
  #ownership: Ownership | undefined
  #loop: Promise<void> = Promise.resolve()
  #started: Promise<void> = Promise.resolve()
  #stage: Watched['stage'] = 'new'
  #stopped: Promise<void> | undefined
  #stopping = false
  #closed = false
  /** What is not committed by now is left to the next start. */
  #isLeft = false
  #failure: { readonly error: unknown } | undefined
  #ready = (): void => undefined

  /** `onFailure` is called once, with what stopped the engine; `stop` is still to be called. */
  constructor(options: EngineOptions, onFailure: (error: unknown) => void) {
    this.#turnLog = unfailing(options.logger)
    this.#options = { ...options, logger: describing(this.#turnLog) }
    this.#onFailure = onFailure
    this.#wake = new Wake(options.clock)
    this.#jobs = new Jobs(this.#wake.wake)
    this.#schemas = new Schemas(options.program)
    this.watch = new AppWatch(this.#options, () => ({
      parts: this.#parts,
      ownership: this.#ownership,
      stage: this.#stage,
      schemas: this.#stage === 'schemas' ? this.#schemas.trouble : undefined,
      end: this.#closed ? 'closed' : this.#stopping ? 'closing' : undefined,
      failure: this.#failure,
    }))
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
    this.#stage = 'schemas'
    this.watch.start()
    try {
      await this.#schemas.prepare(this.#halting.signal)
      if (this.#stopping) throw this.#notRunning()
      this.#stage = 'opening'
      const parts = await openParts(this.#options, this.#turnLog, {
        generation: () => (this.#ownership as Ownership).generation as Generation,
        successor: (refused, tasks) => (this.#ownership as Ownership).successor(refused, tasks),
        onArrival: this.#wake.wake,
        onReady: (task) => this.#ownership?.begin(task),
        onCommitted: () => this.#committed(),
        onRefusedCommit: (error) => this.#refused(error),
        onOutOfRange: (error) => this.#ownership?.askAgain(error),
        onRedo: (redo) => this.#redo(redo),
        onRestoring: (progress) => this.watch.restore.progress(progress),
        onError: (error) => this.#fail(error),
      })
      this.#parts = parts
      if (this.#closed) await this.#close(parts)
      if (!this.#stopping) await this.#loadLookups(parts)
      if (!this.#stopping) await this.#joinAndRun(parts)
    } catch (error) {
      if (!this.#stopping) this.#fail(error)
    }
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#stopping) throw this.#notRunning()
  }

  /** Before it joins: no turn may see half a table, and tasks that were assigned would wait for them. */
  async #loadLookups({ lookups }: Parts): Promise<void> {
    this.#stage = 'loading'
    await lookups.load()
  }

  async #joinAndRun(parts: Parts): Promise<void> {
    const ready = new Promise<void>((resolve) => (this.#ready = resolve))
    const ownership = new Ownership(this.#options, parts, this.#jobs, {
      onReady: () => this.#allRun(),
      onError: (error) => this.#fail(error),
    })
    this.#ownership = ownership
    this.#loop = this.#run(parts, ownership)
    this.#stage = 'joining'
    await ownership.join()
    this.#stage = 'member'
    await ready
    this.watch.look()
  }

  #allRun(): void {
    this.#ready()
    this.watch.look()
  }

  /**
   * Commits what is done, leaves the group and closes the stores with their clean marker. What is not committed after
   * `timeoutMs` is left behind, as in a crash. After a failure nothing more is committed. Never rejects; calling twice is
   * allowed.
   */
  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs)
    return this.#stopped
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#halt()
    await this.#within(timeoutMs, this.#finish())
    this.#endJobs()
    this.#cutTurnsOff()
    if (this.#parts !== undefined) await this.#close(this.#parts)
    this.#closed = true
    this.watch.stop()
    this.#committed()
  }

  #halt(): void {
    this.#stopping = true
    this.#halting.abort()
    this.#ownership?.end()
    this.#parts?.lookups.end()
    this.#parts?.backlog.close()
    this.#wake.wake()
    this.watch.look()
  }

  /** Waits for what is under way, a start and the commit in flight included, and unless something failed makes a last commit. */
  async #finish(): Promise<void> {
    await this.#loop
    this.#endJobs()
    await this.#startEnds()
    await this.#turnsEnd()
    const cycle = this.#parts?.cycle
    const commits = !this.#isLeft && this.#failure === undefined && this.#ownership?.holds === true
    await (commits ? cycle?.commitAll() : cycle?.settled())?.catch((error: unknown) => {
      // Its records are read again at the next start.
      if (error instanceof StateRefused || error instanceof Redo)
        this.#options.logger.warn({ err: error }, `the last commit is left out: ${error.message}`)
      else this.#fail(error)
    })
  }

  #refused(error: unknown): void {
    if (!this.#stopping) return this.#ownership?.recover(error)
    if (this.#failure !== undefined) return
    const what = `the last commit was not made, its input is read again at the next start: ${reasonOf(error)}`
    this.#options.logger.warn({ err: error }, what)
  }

  /** A start that waits for brokers may last as long as they are away; what it opens after all, it closes itself. */
  async #startEnds(): Promise<void> {
    const { clock, log } = this.#options
    let isUnderWay = true
    const ended = this.#started.then(() => (isUnderWay = false))
    while (isUnderWay && log.trouble === undefined) await Promise.race([ended, clock.sleep(100)])
  }

  /** Asynchronous turns under way; what they did is part of the last commit. */
  async #turnsEnd(): Promise<void> {
    const flights = this.#parts?.passage.turns.flights
    while (this.#failure === undefined && flights?.idle === false) await this.#wake.wait(idleMs)
  }

  /** Their time is up, or something failed: their handlers are told, and their records are read again at the next start. */
  #cutTurnsOff(): void {
    this.#isLeft = true
    this.#parts?.passage.turns.flights.cutOff('the app closes')
  }

  /** Nothing is processed any more, so what the group waits for may pass, and a start need not wait for its tasks. */
  #endJobs(): void {
    this.#jobs.close()
    this.#ready()
  }

  /**
   * The next owners need not wait for our disk: what is committed they read from the log, and our stores stay ours until the
   * folder is closed. So the group is left at once, but for a moment in which most stores are closed: then a process beside
   * this one can adopt them. A commit that still waits for a broker ends with its channel, undecided, as in a crash.
   */
  async #close(parts: Parts): Promise<void> {
    const stores = this.#try(async () => parts.cycle.channel[Symbol.asyncDispose]()).then(() =>
      this.#closeStores(parts),
    )
    await this.#within(storesFirstMs, stores)
    const left = this.#try(async () => this.#ownership?.leave())
    await this.#within(storesMs, left)
    await stores
  }

  async #closeStores({ intake, tasks, standbys, growth, limits, lookups, folder }: Parts): Promise<void> {
    growth.close()
    limits.close()
    await this.#try(() => intake.close())
    await this.#try(() => lookups.close())
    const patienceMs = this.#options.log.trouble === undefined ? storesMs : storesAloneMs
    const closed = Promise.all([this.#try(() => tasks.dropAll()), this.#try(() => standbys.close())])
    await this.#within(patienceMs, closed)
    const given = this.#try(() => folder.close())
    await this.#within(storesMs, given)
  }

  async #try(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#options.logger.warn({ err: error }, `closing went on after an error: ${reasonOf(error)}`)
    }
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const inTime = new AbortController()
    await Promise.race([work, this.#options.clock.sleep(ms, inTime.signal)])
    inTime.abort()
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
    if (!ownership.holds || cycle.overdue || cycle.mustRedo) return this.#wake.wait(idleMs)
    const { clock } = this.#options
    try {
      const from = clock.elapsed()
      const more = !cycle.waits && processor.slice()
      cycle.processed(clock.elapsed() - from)
      const isDry = !more && !cycle.holdsTurns
      const due = cycle.sending ? undefined : cycle.waits ? 0 : cycle.dueIn(isDry)
      const begun = due === 0 && (await cycle.startUnlessAwaited())
      if (more) return await clock.breathe()
      if (cycle.waits) return await this.#wake.wait(awaitedMs)
      await this.#wake.wait(begun ? 0 : Math.min(due ?? idleMs, processor.dueInMs, idleMs))
    } catch (error) {
      this.#redo(error)
    }
  }

  /** After `Redo` and `StateRefused` what was done since the last seal is taken back and done again. Throws all else. */
  #redo(error: unknown): void {
    if (error instanceof StateRefused) this.#findTurn(error)
    else if (!(error instanceof Redo)) throw error
    if (isHeard('millrace:redo')) publish('millrace:redo', { app: this.#options.app, reason: reasonOf(error) })
    this.#options.logger.debug({ err: error }, `records since the last commit are processed again: ${reasonOf(error)}`)
    this.#ownership?.redo()
  }

  /** An object cannot be kept as it is. When its turns are run again each is looked at, and the one that made it so fails. */
  #findTurn({ table, entry, cause }: StateRefused): void {
    const guard = guardOf(table, entry.key)
    if (guard.detached) throw cause
    if (guard.careful) {
      guard.detached = true
      const what = `state object ${table.kind.name} '${entry.key}' was changed when no turn had it, by a callback or a promise that its handler did not await: that change is dropped (${reasonOf(cause)})`
      this.#options.logger.warn({ kind: table.kind.name, key: entry.key }, what)
    }
    guard.careful = true
    this.#parts?.passage.turns.suspect(table.kind.name)
  }

  /** Something beside it cannot go on, and stops the app. */
  fail(error: unknown): void {
    this.#fail(error)
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    const error = this.#parts === undefined ? cause : ownTopicGone(this.#parts.topology, cause)
    this.#failure = { error }
    this.#halt()
    this.#options.logger.error({ err: error }, `the app stops: ${reasonOf(error)}`)
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

  /** Of the last assignment; undefined before the first. */
  get generation(): Generation | undefined {
    return this.#ownership?.generation
  }

  /** Does something when no record is being processed; not at all when the engine has stopped. */
  between(act: () => void): Promise<void> {
    return this.#jobs.add(async () => act())
  }

  /** Looks at the clock now: it was set. */
  poke(): void {
    this.#wake.wake()
  }

  /** What stopped the engine, if something did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  get options(): EngineOptions {
    return this.#options
  }

  get health(): Health {
    return this.watch.health
  }

  get stats(): Stats {
    const { turns, hops, dropped, refused, failed, deadLetters, skipped } = (
      this.#parts?.passage.counts ?? new Counters()
    ).total
    const { restoredRecords = 0, restoredBytes = 0 } = this.#parts?.tasks ?? {}
    const standbyRecords = this.#parts?.standbys.records ?? 0
    const lookupRecords = this.#parts?.lookups.records ?? 0
    const records = this.#parts?.processor.records ?? 0
    const commits = this.#parts?.cycle.commits ?? 0
    const rollbacks = this.#ownership?.rollbacks ?? 0
    return {
      records,
      turns,
      hops,
      dropped,
      refused: refused + (this.#parts?.lookups.refused ?? 0),
      failed,
      deadLetters,
      skipped,
      paused: this.#parts?.breakers.paused.length ?? 0,
      quarantined: this.#parts?.tasks.quarantined ?? 0,
      commits,
      rollbacks,
      restoredRecords,
      restoredBytes,
      standbyRecords,
      lookupRecords,
    }
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
}
