import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import { isHeard, publish } from '../../core/telemetry/channels.js'
import type { CommitChannel, FinishedBatch, Generation } from '../../log/port.js'
import { CommitCost } from './commit-cost.js'
import { CommitMeter, sizeOf } from './commit-meter.js'
import { BatchTooLarge, seal, send, type SealedCommit } from './commit.js'
import type { Halving } from './halving.js'
import type { Marks } from './marks.js'
import type { Passage } from '../path/passage.js'
import type { TaskState } from '../../state/task-state.js'
import type { Task } from '../tasks/task.js'
import { Redo } from '../../turn/turns.js'
import type { Guarantee } from '../setup/engine-options.js'
import type { Topology } from '../setup/topology.js'

/** Turns of one commit above which it is sealed before its interval is over: bounds what is dirty in memory. */
const turnLimit = 200_000
/** Finished output batches of one commit, likewise. */
const byteLimit = 16 << 20
/** Encoded states of one commit, likewise: characters, about. */
const stateLimit = 16 << 20
/** A commit that only moves positions over control records can wait; it frees nobody. */
const idleCommitMs = 1_000
/** Committed changes are written to the local store at the latest after this. */
const flushMs = 1_000
/** Or when so many objects wait for it. */
const flushEntries = 50_000
/** Or so many characters of them. */
const flushLength = 16 << 20
/** With so many waiting the store is slower than the commits, and they wait for it: memory is bounded. */
const unflushedLimit = 200_000
const unflushedLengthLimit = 64 << 20
const trimMs = 30_000
/** Commits come so far apart that waiting for asynchronous turns takes a tenth of the time. */
const waitShare = 9

export interface CommitCycleOptions {
  readonly app: string
  readonly clock: Clock
  readonly passage: Passage
  readonly halving: Halving
  readonly topology: Topology
  readonly intervalMs: number
  readonly lingerMs: number
  readonly guarantee: Guarantee
  readonly marks: Marks
  /** Tasks running now. */
  readonly tasks: () => Iterable<Task>
  readonly generation: () => Generation
  /** What follows a generation that was over when a commit's offsets arrived; undefined when its tasks are not all retained. */
  readonly successor: (refused: Generation, tasks: readonly Task[]) => Promise<Generation | undefined>
  /**
   * Looks up, or makes, a topic that a handler emitted to for the first time: its partitions. Undefined when that cannot be: then
   * turns that emit to it fail.
   */
  readonly lookUp: (topic: string, wanted: number | undefined) => Promise<number | undefined>
  /** A broker has refused a batch for its size. Whether batches will be smaller when all is done again. */
  readonly takesLess: (topic: string, batch: FinishedBatch) => Promise<boolean>
  readonly trim: (before: PositionMap) => void
  readonly onCommitted: () => void
  /** The commit was not made. No other is tried before `renew`. */
  readonly onRefused: (error: unknown) => void
  readonly onStoreError: (error: unknown) => void
}

/**
 * When to commit, and one commit in flight: while it is sent, the next one's records are processed, as many as a commit may
 * hold. More waits until the last has ended.
 */
export class CommitCycle {
  readonly #options: CommitCycleOptions
  readonly #cost = new CommitCost()
  readonly meter: CommitMeter
  #channel: CommitChannel
  #inFlight: Promise<void> = Promise.resolve()
  #sending = false
  #broken = false
  #mustRedo = false
  #sealedAt: number
  #flushedAt: number
  #trimmedAt: number
  #records = 0
  #turnsAtSeal = 0
  /** Since when, and how long the last time, a commit that was due waited for asynchronous turns to end. */
  #waitsSince: number | undefined
  #waitedMs = 0
  /** Someone waits for everything to be committed: positions too. */
  hurried = 0
  commits = 0
  /** Number of the last one that was made. */
  committedSeq = 0

  constructor(options: CommitCycleOptions, channel: CommitChannel) {
    this.#options = options
    this.#channel = channel
    const now = options.clock.elapsed()
    this.#sealedAt = this.#flushedAt = this.#trimmedAt = now
    this.meter = new CommitMeter(now)
  }

  /** Records were processed since the last call. */
  worked(records: number): void {
    this.#records += records
    if (records > 0) this.meter.pendingSince ??= this.#options.clock.elapsed()
  }

  /** A slice of user work took so long. */
  processed(ms: number): void {
    if (this.#sending) this.#cost.processed(ms)
  }

  /** What was done since the last seal cannot be committed: it is to be taken back, with `discard`, and done again. */
  demandRedo(): void {
    this.#mustRedo = true
  }

  get mustRedo(): boolean {
    return this.#mustRedo
  }

  get broken(): boolean {
    return this.#broken
  }

  get channel(): CommitChannel {
    return this.#channel
  }

  /** The next commit is as large as it may be and the last has not ended: then processing waits rather than grows. */
  get overdue(): boolean {
    return this.#sending && (this.#isFull || this.#options.halving.active)
  }

  get #isFull(): boolean {
    const { passage, halving } = this.#options
    const { turns, outbox } = passage
    if (halving.left <= 0 || turns.turns - this.#turnsAtSeal >= turnLimit || outbox.bytes >= byteLimit) return true
    let length = 0
    for (const { state } of this.#options.tasks()) length += state?.dirtyLength ?? 0
    return length >= stateLimit
  }

  /** How many marks were written: what they lead to may still be to come. */
  get marks(): number {
    return this.#options.marks.written
  }

  get sending(): boolean {
    return this.#sending
  }

  /** Milliseconds until a commit is due; 0 when it is now; undefined when there is nothing to commit. */
  dueIn(dry: boolean): number | undefined {
    const { clock, intervalMs, lingerMs } = this.#options
    const now = clock.elapsed()
    if (!this.#options.passage.turns.unfinished.none) return undefined
    if (this.#options.halving.left <= 0) return 0
    if (this.#records > 0 || this.#options.passage.turns.turns !== this.#turnsAtSeal) {
      if (this.#isFull) return 0
      const byInterval = this.#sealedAt + Math.max(intervalMs, this.#waitedMs * waitShare) - now
      if (!dry) return Math.max(0, byInterval)
      // Nothing waits to be processed: who waits for what was done need not wait for the interval.
      const apartMs = lingerMs === 0 || this.hurried > 0 ? 0 : Math.max(lingerMs, this.#cost.apartMs)
      return Math.max(0, Math.min(byInterval, this.#sealedAt + apartMs - now))
    }
    if (!dry || !this.#moved()) return undefined
    return Math.max(0, this.#sealedAt + (this.hurried > 0 ? lingerMs : idleCommitMs) - now)
  }

  #moved(): boolean {
    for (const task of this.#options.tasks()) if (task.moved) return true
    return false
  }

  /** A commit is due, and waits for asynchronous turns: nothing may be begun. */
  get waits(): boolean {
    return this.#waitsSince !== undefined
  }

  /** Whether turns are under way that a commit waits for: they end soon, or it is to be found what a broker refuses. */
  get awaitsTurns(): boolean {
    const { passage, halving } = this.#options
    const { flights } = passage.turns
    return halving.active ? !flights.idle : flights.endSoon
  }

  /** Whether records are here whose turns begin as soon as others have ended. */
  get holdsTurns(): boolean {
    return this.#options.passage.turns.flights.anyHeldShortly
  }

  /** As `start`; when it waits for turns that are under way it only notes that, and resolves to false. */
  async startUnlessAwaited(): Promise<boolean> {
    const { clock } = this.#options
    this.#waitsSince ??= clock.elapsed()
    if (this.awaitsTurns) return false
    this.#waitedMs = clock.elapsed() - this.#waitsSince
    this.#waitsSince = undefined
    await this.start()
    return true
  }

  /**
   * Waits for the commit in flight, then seals and sends the next one; resolves when it is on its way. Rejects with
   * `StateRefused` when an object cannot be kept as it is, and with `Redo` when a turn emitted what its topic does not take;
   * then nothing was sealed.
   */
  async start(): Promise<void> {
    await this.#inFlight
    // A record is part of one commit: one that is half done is done again.
    if (this.#broken || this.#mustRedo || !this.#options.passage.turns.unfinished.none) return
    await this.#storesCaughtUp()
    const { passage, halving, topology, clock, tasks, lookUp, guarantee, marks } = this.#options
    // Turns may end meanwhile, and name others.
    for (let all = [...passage.outbox.unknownTopics]; all.length > 0; all = [...passage.outbox.unknownTopics]) {
      for (const [topic, wanted] of all) {
        const partitions = await lookUp(topic, wanted)
        // Known by now, it is looked at within the turn.
        if (partitions === undefined) throw new Redo(`${topic} cannot be written to`)
        if (!passage.outbox.settle(topic, partitions, clock.now()))
          throw new Redo(`a record is too large for ${topic}, or of a time that it does not take`)
      }
    }
    if (this.#mustRedo) return
    this.#cost.sealing()
    passage.turns.park()
    for (const task of tasks()) task.lookAtTime(clock.now(), passage.seq)
    const sealed = seal(passage.seq, tasks(), topology, passage.outbox, clock.now(), guarantee, marks)
    passage.seq++
    passage.counts.sealed()
    halving.sealed()
    this.#sealedAt = clock.elapsed()
    this.#records = 0
    this.#turnsAtSeal = passage.turns.turns
    if (sealed.tasks.length === 0) return
    this.#inFlight = this.#send(sealed)
  }

  /** Resolves when no commit is in flight. Never rejects: failures go to `onRefused`. */
  settled(): Promise<void> {
    return this.#inFlight
  }

  /** Commits everything done so far and waits for it. */
  async commitAll(): Promise<void> {
    await this.start()
    await this.#inFlight
  }

  /** After a refusal has been dealt with: begins anew on a channel without an open transaction. */
  renew(channel: CommitChannel): void {
    this.#channel = channel
    this.#broken = false
    this.discard()
  }

  /** Forgets what was done since the last seal; nothing of it was sent. */
  discard(): void {
    this.#records = 0
    if (!this.#sending) this.meter.pendingSince = undefined
    this.#mustRedo = false
    this.#waitsSince = undefined
    this.#options.passage.turns.takenBack('what was done since the last commit is done again, here or elsewhere')
    this.#turnsAtSeal = this.#options.passage.turns.turns
    this.#options.passage.outbox.discard()
    this.#options.passage.counts.undone()
    this.#options.halving.discard()
  }

  async #send(sealed: SealedCommit): Promise<void> {
    const sealedAt = this.#sealedAt
    const trace = this.#options.passage.tracer?.commit(sealed.seq, sealed.tasks.length)
    const { generation, successor, onRefused, onCommitted } = this.#options
    this.#sending = true
    try {
      const ends = await send(sealed, this.#channel, { first: generation(), successor })
      this.#sending = false
      this.#committed(sealed, ends, sealedAt)
      trace?.made(...sizeOf(sealed.batches))
      this.#cost.answered()
      onCommitted()
    } catch (error) {
      this.#sending = false
      this.#broken = true
      this.#options.passage.counts.refused()
      trace?.refused(error)
      if (isHeard('millrace:commit.refused')) publish('millrace:commit.refused', { app: this.#options.app, error })
      onRefused(error instanceof BatchTooLarge ? await this.#tooLarge(error) : error)
    }
  }

  /** The limit of a topic was lowered: what was done is done again, with smaller batches. */
  async #tooLarge({ topic, batch, cause }: BatchTooLarge): Promise<unknown> {
    if (!(await this.#options.takesLess(topic, batch))) return cause
    return new MillraceError('COMMIT_ABORTED', reasonOf(cause), { topic, cause })
  }

  #committed(sealed: SealedCommit, ends: ReadonlyMap<string, ReadonlyMap<number, number>>, sealedAt: number): void {
    const { topology, clock, halving } = this.#options
    this.commits++
    this.committedSeq = sealed.seq
    this.meter.committed(sealed.batches, sealedAt, clock.elapsed(), this.#records > 0 ? this.#sealedAt : undefined)
    this.#options.passage.counts.committed()
    if (isHeard('millrace:commit')) this.#publish(sealed, clock.elapsed() - sealedAt)
    halving.committed()
    for (const { task, positions, changes } of sealed.tasks) {
      task.committed(positions, sealed.seq)
      if (changes === undefined || task.state === undefined) continue
      const appended = new Map<string, number>()
      for (const { topic } of topology.changelogs) {
        const end = ends.get(topic)?.get(task.index)
        if (end !== undefined) appended.set(topic, end)
      }
      // Rule local-never-ahead (integration/model).
      task.state.committed(changes, sealed.seq, appended, { positions, topics: topology.ids })
    }
    const now = clock.elapsed()
    this.#flush(now - this.#flushedAt >= flushMs)
    if (now - this.#trimmedAt >= trimMs) this.#trim(now)
  }

  #publish({ seq, tasks, batches }: SealedCommit, durationMs: number): void {
    const [records, bytes] = sizeOf(batches)
    const indexes = tasks.map(({ task }) => task.index)
    publish('millrace:commit', { app: this.#options.app, seq, tasks: indexes, records, bytes, durationMs })
  }

  #flush(due: boolean): void {
    if (due) this.#flushedAt = this.#options.clock.elapsed()
    for (const { state } of this.#options.tasks()) {
      if (state === undefined || state.flushing || (!due && !isMuch(state, flushEntries, flushLength))) continue
      state.flush().catch(this.#options.onStoreError)
    }
  }

  async #storesCaughtUp(): Promise<void> {
    for (const { state } of this.#options.tasks()) {
      if (state !== undefined && isMuch(state, unflushedLimit, unflushedLengthLimit)) await state.flush()
    }
  }

  /** Inboxes up to what is committed: their records have had their turn for good. */
  #trim(now: number): void {
    this.#trimmedAt = now
    const { topology, tasks, trim } = this.#options
    const before = new PositionMap()
    for (const task of tasks()) {
      for (const inbox of topology.inboxes) {
        // Rule trim-committed (integration/model).
        const offset = task.committedPositions.get(inbox)
        if (offset !== undefined && offset > 0) before.set(inbox, task.index, offset)
      }
    }
    if (before.size > 0) trim(before)
  }
}

function isMuch(state: TaskState, entries: number, length: number): boolean {
  return state.unflushedEntries >= entries || state.unflushedLength >= length
}
