import { unlessAborted } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { forget } from '../../core/record-checks.js'
import type { CommitChannel } from '../../log/port.js'
import type { Worker } from '../owned-partitions.js'
import { StopsApp } from '../stops-app.js'
import { Session } from './session.js'
import { placeOf, sourceFailed, type Setting, type SourceTopics } from './setting.js'
import { nothing, readStanding, type Standing } from './standing.js'
import type { SourceState } from './state.js'
import type { TopicsOfSource } from './topics.js'

/** Brokers give up on a transaction after this; one takes milliseconds. */
const transactionTimeoutMs = 10_000
/** How long what was begun may take when it is to stop. */
const stopMs = 10_000
/** The same trouble is logged again after this. */
const sayAgainMs = 60_000

export interface WorkerEvents {
  /** Somebody else has the partition: whose it is must be agreed on anew. */
  readonly onFenced: () => void
}

/** Reads a partition of a source for as long as it is ours, again and again. */
export class SourceWorker implements Worker {
  readonly #setting: Setting
  readonly #topics: TopicsOfSource
  readonly #partition: string
  readonly #state: SourceState
  readonly #events: WorkerEvents
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #channel: CommitChannel | undefined
  #session: Session | undefined
  #pauseMs: number
  #said: { readonly reason: string; readonly at: number } | undefined

  constructor(setting: Setting, topics: TopicsOfSource, partition: string, state: SourceState, events: WorkerEvents) {
    this.#setting = setting
    this.#topics = topics
    this.#partition = partition
    this.#state = state
    this.#events = events
    this.#pauseMs = setting.backoffMs
    state.begun(partition)
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#session?.stop()
    const done = new AbortController()
    await Promise.race([this.#running, this.#setting.clock.sleep(stopMs, done.signal)])
    done.abort()
    await this.#closeChannel()
    this.#state.ended(this.#partition)
  }

  get #signal(): AbortSignal {
    return this.#stopping.signal
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#readOn()
        if (this.#signal.aborted) return
        await this.#trouble(sourceFailed(this.#place, 'it has ended, and is opened again'))
      } catch (error) {
        if (this.#signal.aborted) return
        if (error instanceof StopsApp) return this.#setting.onFailure(error.error)
        await this.#closeChannel()
        await this.#trouble(error)
        // Also when nobody has it any more: brokers do the same to transactions that take too long.
        if (MillraceError.is(error, 'FENCED') && !this.#setting.isEverywhere) return this.#events.onFenced()
      }
    }
  }

  async #readOn(): Promise<void> {
    const setting = this.#setting
    const channel = await this.#openChannel()
    const topics = await unlessAborted(this.#topics.look(), this.#signal)
    const standing = topics && (await this.#standing(topics))
    if (topics === undefined || standing === undefined || this.#signal.aborted) return
    const index = setting.partitions.indexOf(this.#partition)
    const options = { setting, topics, channel, partition: this.#partition, index }
    this.#session = new Session(options, standing, {
      onCommitted: (counts) => this.#state.committed(counts),
      onKnown: (duplicates) => this.#state.known(duplicates),
      onDone: () => this.#well(),
      onTrouble: (error) => this.#trouble(error),
    })
    this.#state.reads(this.#partition)
    const ended = new AbortController()
    // One that has nothing to give is well when it stays open for so long; less may be what it takes to fail, and it would never back off.
    void setting.clock.sleep(setting.maxBackoffMs, ended.signal).then(() => ended.signal.aborted || this.#well())
    try {
      await this.#session.run()
    } finally {
      ended.abort()
      this.#session = undefined
    }
  }

  #well(): void {
    this.#pauseMs = this.#setting.backoffMs
    this.#state.well(this.#partition)
  }

  async #openChannel(): Promise<CommitChannel> {
    if (this.#channel !== undefined) return this.#channel
    const { log, app, source, isEverywhere } = this.#setting
    // No dash and no colon: `<app>:` is how the engine of the app fences, and `/` is in no id and no name.
    const id = `${app}/source/${source}/${this.#partition}`
    const opening = isEverywhere ? log.idempotent() : log.transactions({ id, timeoutMs: transactionTimeoutMs })
    const channel = await unlessAborted(opening, this.#signal)
    if (channel !== undefined) return (this.#channel = channel)
    forget(opening.then((late) => late[Symbol.asyncDispose]()))
    throw new MillraceError('APP_CLOSED', `${this.#place}: it was stopped`)
  }

  async #standing({ positions, positionPartitions }: SourceTopics): Promise<Standing | undefined> {
    const { log, isEverywhere } = this.#setting
    if (isEverywhere) return nothing
    return await readStanding(log, positions, positionPartitions, this.#partition, this.#signal)
  }

  async #closeChannel(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    try {
      await channel?.[Symbol.asyncDispose]()
    } catch (error) {
      this.#setting.logger.debug({ err: error }, `${this.#place}: its channel could not be closed`)
    }
  }

  get #place(): string {
    return placeOf(this.#setting, this.#partition)
  }

  /** Waits, longer each time. False when it is to stop. */
  async #trouble(error: unknown): Promise<boolean> {
    const { clock, logger, maxBackoffMs, source } = this.#setting
    const reason = reasonOf(error)
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(maxBackoffMs, pauseMs * 2)
    this.#state.trouble(this.#partition, reason)
    const now = clock.elapsed()
    const isNew = this.#said?.reason !== reason || now - this.#said.at > sayAgainMs
    const fields = { err: error, source, partition: this.#partition, pauseMs }
    const what = `${reason.startsWith(this.#place) ? '' : `${this.#place}: `}${reason.replace(/\.$/, '')}. It is tried again in ${pauseMs} ms.`
    if (isNew) {
      this.#said = { reason, at: now }
      logger.warn(fields, what)
    } else logger.debug(fields, what)
    await clock.sleep(pauseMs, this.#signal)
    return !this.#signal.aborted
  }
}
