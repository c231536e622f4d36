import { MillraceError, reasonOf } from '../core/errors.js'
import { isHeard, publish } from '../core/telemetry/channels.js'
import { StateRefused } from '../state/table.js'
import { guardOf } from '../turn/kept/guard.js'
import { Redo } from '../turn/turns.js'
import { Joining } from '../log/joining/joining.js'
import type { CommitChannel, Generation, Membership } from '../log/port.js'
import type { EngineOptions } from './setup/engine-options.js'
import { joinGroup, type Assigned } from './group.js'
import { grow } from './membership/growth.js'
import type { Jobs } from './jobs.js'
import { openChannel, type Parts } from './parts.js'
import type { Task } from './tasks/task.js'

/** Refused commits after which the input is read again from the last one; all other failures stop the app. */
const recoverable = new Set([
  'GENERATION_STALE',
  'MEMBER_UNKNOWN',
  'COMMIT_ABORTED',
  'RECORDS_REFUSED',
  'FENCED',
  'OUTCOME_UNKNOWN',
])

/** How long the group waits for asynchronous turns to end, without transactions. */
const turnsEndMs = 5_000

export interface OwnershipEvents {
  /** All assigned tasks run. */
  readonly onReady: () => void
  /** What stops the app. */
  readonly onError: (error: unknown) => void
}

/**
 * Which tasks are this process's, and since when: membership of the group, and what follows when tasks come, go, are lost, or a
 * commit says that they may be lost. Whatever changes it is a job, so nothing is processed meanwhile.
 */
export class Ownership {
  readonly #options: EngineOptions
  readonly #parts: Parts
  readonly #jobs: Jobs
  readonly #events: OwnershipEvents
  #membership: Membership | undefined
  #generation: Generation | undefined
  /** Tasks of the last assignment that were in the one before it too, which this member has received. */
  #retained: ReadonlySet<number> = new Set()
  /** Why the commit in flight was not made, until that has been dealt with. */
  #refusal: MillraceError | undefined
  /** The position that was not in its partition last. */
  #outOfRange: string | undefined
  /** Woken by the next assignment, or by what comes instead of it. */
  #onDecided: (() => void)[] = []
  /** An assignment waits for the end of the commit in flight. */
  #awaitsCommit = false
  /** No assignment holds: nothing may be processed. */
  #revoked = true
  #ended = false
  readonly #joining = new AbortController()
  readonly #joiner: Joining
  rollbacks = 0
  /** Assignments received, and times that the group has lost this member. */
  assignments = 0
  losses = 0

  constructor(options: EngineOptions, parts: Parts, jobs: Jobs, events: OwnershipEvents) {
    this.#options = options
    this.#parts = parts
    this.#jobs = jobs
    this.#events = events
    const { app, log, process, development = false, clock, logger } = options
    this.#joiner = new Joining({ log, who: `app '${app}'`, process, development, clock, logger })
  }

  /** Whether an assignment holds and commits go through. */
  get holds(): boolean {
    return !this.#revoked && !this.#parts.cycle.broken
  }

  /** For whom joining the group waits, and what to do about it. */
  get awaited(): string | undefined {
    return this.#joiner.awaited
  }

  /** Whether a commit waits for the assignment of a round. */
  get awaitsRound(): boolean {
    return this.#onDecided.length > 0
  }

  /** Of the last assignment; undefined before the first. */
  get generation(): Generation | undefined {
    return this.#generation
  }

  /** Joins the group; resolves when the first assignment has been received. */
  async join(): Promise<void> {
    const events = {
      onRevoke: () => this.#forGroup(() => this.#revoke()),
      onAssign: (assigned: Assigned) => this.#forGroup(() => this.#assign(assigned)),
      onLost: (reason: string, fatal: boolean) => this.#lost(reason, fatal),
      onMismatch: this.#events.onError,
    }
    this.#membership = await joinGroup(this.#options, this.#parts, events, this.#joiner, this.#joining.signal)
    if (this.#ended) await this.#membership.leave()
  }

  /** Nothing changes any more: what is heard from now on is left to the next owner. */
  end(): void {
    this.#ended = true
    // One that waits for slow members would else be in the group, and wait, after its process has gone.
    if (this.#membership === undefined) this.#joining.abort()
    this.#decided()
  }

  /**
   * The generation that follows one which was over, for a commit of these tasks: undefined unless the next assignment
   * leaves them all where they are. Waits for that assignment, unless the last one waits for the commit: then there is no
   * next one before the commit has ended.
   */
  async successor(refused: Generation, tasks: readonly Task[]): Promise<Generation | undefined> {
    if (this.#generation === refused && !this.#revoked && !this.#ended && !this.#awaitsCommit) {
      this.#membership?.rejoin('offsets were refused as of an older generation')
      await new Promise<void>((resolve) => this.#onDecided.push(resolve))
    }
    const current = this.#generation !== refused && !this.#revoked && !this.#ended
    // Rule resend-if-retained (integration/model).
    return current && tasks.every(({ index }) => this.#retained.has(index)) ? this.#generation : undefined
  }

  #decided(): void {
    for (const wake of this.#onDecided.splice(0)) wake()
  }

  async leave(): Promise<void> {
    await this.#membership?.leave()
  }

  /** A task has been taken over. */
  begin(task: Task): void {
    this.#do(async () => {
      const { tasks, intake } = this.#parts
      if (tasks.running.get(task.index) !== task) return
      intake.assign(tasks.running.values(), new Set([task]))
      if (tasks.ready) this.#events.onReady()
    })
  }

  /** A commit was refused: everything since the last one is dropped and read again. */
  recover(error: unknown): void {
    if (this.#ended) return
    if (!MillraceError.is(error) || !recoverable.has(error.code)) return this.#events.onError(error)
    this.rollbacks++
    this.#refusal = error
    if (error.code === 'RECORDS_REFUSED') return this.#findCulprit(error)
    this.#options.logger.warn({ err: error }, `a commit was not made, its input is read again: ${error.message}`)
    this.#do(async () => {
      const { cycle, tasks } = this.#parts
      if (!cycle.broken) return
      const stopped = await this.#rollBack()
      // Rule ask-the-broker (integration/model).
      if (error.code !== 'GENERATION_STALE' && error.code !== 'MEMBER_UNKNOWN') return tasks.retake(stopped)
      // Who owns these tasks now is for the next assignment to say.
      this.#revoked = true
      this.#membership?.rejoin(error.message)
    })
  }

  /** A broker does not take records of the commit: what was in it is done again, in smaller ones. */
  #findCulprit(refusal: MillraceError): void {
    const { logger } = this.#options
    const { halving } = this.#parts
    const isNew = !halving.active
    try {
      const found = halving.refused(refusal)
      if (isNew)
        logger.warn({ err: refusal }, `a commit was not made, what it is refused for is looked for: ${refusal.message}`)
      if (found !== undefined) logger.warn({ err: refusal }, `it is refused for ${found}: ${refusal.message}`)
    } catch (error) {
      return this.#events.onError(error)
    }
    this.#do(async () => {
      const { cycle, tasks, processor, intake } = this.#parts
      if (!cycle.broken) return
      // Without transactions some of it is in the changelog all the same, and is read from there.
      if (this.#options.guarantee === 'at-least-once') return tasks.retake(await this.#rollBack())
      // Rule abort-drops-both (integration/model).
      processor.drop()
      await this.#renewChannel()
      const rewound = await tasks.rewindToCommitted()
      intake.assign(tasks.running.values(), rewound)
    })
  }

  /** What was done since the last seal is taken back and done again. */
  redo(): void {
    this.#parts.cycle.demandRedo()
    this.#doWhenSettled(() => this.#redo())
  }

  async #redo(): Promise<void> {
    const { cycle, tasks, processor, intake } = this.#parts
    // A refused commit is dealt with elsewhere, and all is done again then.
    if (cycle.broken || !cycle.mustRedo) return
    // Rule undo-drops-current (integration/model).
    cycle.discard()
    const rewound = tasks.rewind()
    processor.dropUnlessRetained(rewound)
    intake.assign(tasks.running.values(), rewound)
  }

  /**
   * A position is not in its partition. The task may be another member's by now, which has trimmed the inbox, and this one has
   * not heard of it: committed positions are asked for again. When they lead to the same place the records are gone, which
   * stops the app.
   */
  askAgain(error: MillraceError): void {
    if (this.#ended) return
    const place = `${error.topic} ${error.partition} ${error.offset}`
    if (place === this.#outOfRange) return this.#events.onError(error)
    this.#outOfRange = place
    this.#options.logger.warn({ err: error }, `tasks are taken over again: ${error.message}`)
    this.#doWhenSettled(async () => this.#parts.tasks.retake(await this.#rollBack()))
  }

  /**
   * Before a round. All tasks go on, and commit: what the group accepts before the round ends, a taker finds pending. Without
   * transactions a commit that the group refuses has taken effect already, so there nothing is done until the assignment.
   */
  async #revoke(): Promise<void> {
    if (this.#options.guarantee === 'exactly-once') return
    if (!this.#revoked) await this.#commitWhatEnds()
    this.#revoked = true
  }

  /** Asynchronous turns that take too long for the group are run again where their tasks are then. */
  async #commitWhatEnds(): Promise<void> {
    const { cycle, passage } = this.#parts
    await passage.turns.flights.untilIdle(turnsEndMs)
    await cycle.commitAll().catch(async (error: unknown) => {
      if (!(error instanceof StateRefused) && !(error instanceof Redo)) throw error
      // When its turns are run again each is looked at: see `Engine`.
      if (error instanceof StateRefused) guardOf(error.table, error.entry.key).careful = true
      cycle.demandRedo()
      await this.#redo()
    })
  }

  /** Retained is what this member had in the generation just before, with the same partitions; all else is taken over anew. */
  async #assign({ generation, tasks: mine, standbys, partitions, alive, continuous }: Assigned): Promise<void> {
    const { cycle, tasks, processor, intake, topology } = this.#parts
    this.assignments++
    if (isHeard('millrace:rebalance'))
      publish('millrace:rebalance', {
        app: this.#options.app,
        generation: generation.generationId,
        tasks: mine,
        standbys,
      })
    // Rule generation-of-assignment (integration/model).
    this.#generation = generation
    const gained = grow(topology, partitions)
    // Rule continuous (integration/model).
    this.#retained = new Set(continuous ? mine.filter((task) => !gained.has(task)) : [])
    this.#decided()
    // Rule lost-part-skipped (integration/model).
    this.#awaitsCommit = true
    await cycle.settled()
    this.#awaitsCommit = false
    const rewound = cycle.broken ? await this.#undoRefused() : this.#undoWhatIsLost()
    this.#parts.passage.turns.cutOffUnless((task) => this.#retained.has(task))
    if (!continuous) await tasks.dropAll()
    await tasks.assign(mine, alive, gained)
    this.#parts.standbys.assign(standbys, mine)
    this.#parts.halving.culprits.keepOf(new Set(mine))
    processor.dropUnlessRetained(rewound)
    intake.assign(tasks.running.values(), rewound)
    this.#revoked = false
    if (tasks.ready) this.#events.onReady()
  }

  /**
   * Records of all tasks share the batches of the current buffer, so when a task goes that has a part in it, all of it is
   * forgotten; tasks that stay read on from the last seal, which is committed by now.
   */
  #undoWhatIsLost(): ReadonlySet<Task> {
    const { cycle, tasks } = this.#parts
    const isLost = ({ index, moved }: Task): boolean => moved && !this.#retained.has(index)
    // Rule loss-drops-current (integration/model).
    if (!cycle.mustRedo && ![...tasks.running.values()].some(isLost)) return new Set()
    cycle.discard()
    return tasks.rewind()
  }

  /**
   * The commit in flight was not made. When it was refused because the group had moved on, it was certainly aborted, and
   * tasks that stay read on from the last commit; after anything else the broker has to be asked where they stand.
   */
  async #undoRefused(): Promise<ReadonlySet<Task>> {
    if (this.#refusal?.code !== 'GENERATION_STALE') {
      await this.#rollBack()
      return new Set()
    }
    // Rule abort-drops-both (integration/model).
    await this.#renewChannel()
    return this.#parts.tasks.rewindToCommitted()
  }

  #lost(reason: string, fatal: boolean): void {
    if (this.#ended) return
    this.losses++
    if (isHeard('millrace:group.lost')) publish('millrace:group.lost', { app: this.#options.app, reason })
    this.#revoked = true
    this.#decided()
    const what = `no longer a member of group '${this.#options.app}': ${reason}`
    if (fatal) return this.#events.onError(new MillraceError('FENCED', what))
    this.#options.logger.warn({ reason }, what)
    this.#do(async () => {
      await this.#parts.cycle.settled()
      await this.#rollBack()
      await this.#parts.tasks.dropAll()
    })
  }

  /** Stops all running tasks, drops what they have not committed, and sees to a channel with no transaction open. */
  async #rollBack(): Promise<readonly number[]> {
    const { processor, tasks, intake, cycle } = this.#parts
    processor.drop()
    cycle.discard()
    // Rule abort-drops-both (integration/model).
    const stopped = await tasks.suspend()
    intake.assign([], new Set())
    await this.#renewChannel()
    return stopped
  }

  async #renewChannel(): Promise<void> {
    const { cycle } = this.#parts
    const cause = this.#refusal
    this.#refusal = undefined
    cycle.renew(await this.#cleanChannel(cycle.channel, cause))
  }

  /**
   * A channel with no transaction open: this one after an abort; a new one where that is refused, or where `cause` says
   * that the producer is no longer ours (then there is nothing to abort, and the next `begin` would only say so again).
   */
  async #cleanChannel(channel: CommitChannel, cause: MillraceError | undefined): Promise<CommitChannel> {
    try {
      await channel.abort()
      if (cause?.code !== 'FENCED' && cause?.code !== 'OUTCOME_UNKNOWN') return channel
    } catch (error) {
      this.#options.logger.warn({ err: error }, `the producer is opened anew: ${reasonOf(error)}`)
    }
    await channel[Symbol.asyncDispose]()
    return openChannel(this.#options)
  }

  /** With no commit in flight. It is not the job that waits for that: the commit may wait for an assignment, which is a job too. */
  #doWhenSettled(job: () => Promise<void>): void {
    const { cycle } = this.#parts
    void cycle.settled().then(() =>
      this.#do(async () => {
        if (cycle.sending) this.#doWhenSettled(job)
        else await job()
      }),
    )
  }

  #do(job: () => Promise<void>): void {
    this.#jobs.add(job).catch(this.#events.onError)
  }

  /** A job the group waits for: its failure stops the app with its own error, not with the group's. */
  async #forGroup(job: () => Promise<void>): Promise<void> {
    try {
      await this.#jobs.add(job)
    } catch (error) {
      this.#events.onError(error)
      throw error
    }
  }
}
