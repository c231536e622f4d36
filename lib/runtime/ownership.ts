import { MillraceError, reasonOf } from '../core/errors.js'
import type { CommitChannel, Generation, Membership } from '../log/port.js'
import type { EngineOptions } from './engine-options.js'
import { joinGroup, type Assigned } from './group.js'
import type { Jobs } from './jobs.js'
import { openChannel, type Parts } from './parts.js'
import type { Task } from './task.js'

/** Refused commits after which the input is read again from the last one; all other failures stop the app. */
const recoverable = new Set(['GENERATION_STALE', 'MEMBER_UNKNOWN', 'COMMIT_ABORTED', 'FENCED', 'OUTCOME_UNKNOWN'])

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
  /** No assignment holds: nothing may be processed. */
  #revoked = true
  #ended = false
  rollbacks = 0

  constructor(options: EngineOptions, parts: Parts, jobs: Jobs, events: OwnershipEvents) {
    this.#options = options
    this.#parts = parts
    this.#jobs = jobs
    this.#events = events
  }

  /** Whether an assignment holds and commits go through. */
  get holds(): boolean {
    return !this.#revoked && !this.#parts.cycle.broken
  }

  /** Of the assignment that holds. */
  get generation(): Generation {
    return this.#generation as Generation
  }

  /** Joins the group; resolves when the first assignment has been received. */
  async join(): Promise<void> {
    this.#membership = await joinGroup(this.#options, this.#parts, {
      onRevoke: () => this.#forGroup(() => this.#revoke()),
      onAssign: (assigned) => this.#forGroup(() => this.#assign(assigned)),
      onLost: (reason, fatal) => this.#lost(reason, fatal),
    })
    if (this.#ended) await this.#membership.leave()
  }

  /** Nothing changes any more: what is heard from now on is left to the next owner. */
  end(): void {
    this.#ended = true
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
    this.#options.logger.warn({ error }, `a commit was not made, its input is read again: ${error.message}`)
    this.#do(async () => {
      const { cycle, tasks } = this.#parts
      if (!cycle.broken) return
      const stopped = await this.#stopAll()
      cycle.renew(await this.#cleanChannel(cycle.channel, error))
      if (error.code !== 'GENERATION_STALE' && error.code !== 'MEMBER_UNKNOWN') return tasks.retake(stopped)
      // Who owns these tasks now is for the next assignment to say.
      this.#revoked = true
      this.#membership?.rejoin(error.message)
    })
  }

  /** The barrier before a rebalance: it saves work, correctness does not rely on it. */
  async #revoke(): Promise<void> {
    if (!this.#revoked) await this.#parts.cycle.commitAll()
    this.#revoked = true
  }

  /** Retained is what this member had in the generation just before; all else is taken over anew. */
  async #assign({ generation, tasks: mine, alive, continuous }: Assigned): Promise<void> {
    const { cycle, tasks, processor, intake } = this.#parts
    this.#generation = generation
    await cycle.settled()
    if (!continuous) await tasks.dropAll()
    await tasks.assign(mine, alive)
    processor.dropStopped()
    intake.assign(tasks.running.values(), new Set())
    this.#revoked = false
    if (tasks.ready) this.#events.onReady()
  }

  #lost(reason: string, fatal: boolean): void {
    if (this.#ended) return
    this.#revoked = true
    const what = `no longer a member of group '${this.#options.app}': ${reason}`
    if (fatal) return this.#events.onError(new MillraceError('FENCED', what))
    this.#options.logger.warn({ reason }, what)
    this.#do(async () => {
      const { cycle, tasks } = this.#parts
      await cycle.settled()
      await this.#stopAll()
      await tasks.dropAll()
      cycle.renew(await this.#cleanChannel(cycle.channel))
    })
  }

  /** Stops all running tasks and drops what they have not committed. */
  async #stopAll(): Promise<readonly number[]> {
    const { processor, tasks, intake } = this.#parts
    processor.drop()
    const stopped = await tasks.suspend()
    intake.assign([], new Set())
    return stopped
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
