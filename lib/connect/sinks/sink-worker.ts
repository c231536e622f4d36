import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Worker } from '../owned-partitions.js'
import { committedBeginning, keptBeginning, type Beginning, type Surroundings } from './beginning.js'
import type { Lane } from './feed.js'
import { StopsApp } from '../stops-app.js'
import { Gatherer } from './gatherer.js'
import { openTarget } from './open-target.js'
import type { SinkParts } from './sink-parts.js'
import type { Target } from './target.js'
import { Abandoned, endsIn, UserCalls } from './user-calls.js'
import { Writing } from './writing.js'

/** A call that takes longer is told of. */
export const slowMs = 30_000
/** After so many failures in a row a target is opened anew before each attempt. */
const patience = 3

export interface WorkerState {
  readonly state: 'opening' | 'running' | 'retrying'
  readonly reason: string | undefined
  readonly isExact: boolean
}

/** Writes one partition, for as long as it is ours. */
export class SinkWorker implements Worker {
  readonly #parts: SinkParts
  readonly #partition: number
  readonly #where: string
  readonly #calls: UserCalls
  /** Nothing new is begun; then, the connector is told. */
  readonly #stopping = new AbortController()
  readonly #ending = new AbortController()
  readonly #done: Promise<void>
  #target: Target | undefined
  /** Where a target that keeps the offset is to stand. */
  #kept: number | undefined
  #lane: Lane | undefined
  #gatherer: Gatherer | undefined
  #writing: Writing | undefined
  /** All before it is written; undefined: to be found out. */
  #position: number | undefined
  #failures = 0
  #state: WorkerState['state'] = 'opening'
  #reason: string | undefined
  #isExact = false
  #isAbandoned = false

  /** `onEnd`: it does nothing any more. */
  constructor(parts: SinkParts, partition: number, onEnd: () => void) {
    this.#parts = parts
    this.#partition = partition
    this.#where = `sink '${parts.name}', ${parts.format.name}[${partition}]`
    this.#calls = new UserCalls(parts.clock)
    this.#done = this.#run().finally(onEnd)
  }

  get state(): WorkerState {
    const slow = this.#calls.slow(slowMs)
    if (slow !== undefined) return { state: 'retrying', reason: slow, isExact: this.#isExact }
    return { state: this.#state, reason: this.#reason, isExact: this.#isExact }
  }

  /** Records that are there and not written; undefined until it is known. */
  get lag(): number | undefined {
    const { highWatermark } = this.#lane ?? {}
    return highWatermark === undefined || this.#position === undefined
      ? undefined
      : Math.max(0, highWatermark - this.#position)
  }

  /** Whether nothing is fetched, since what was is not written yet: then only others can say where the partition ends. */
  get isFull(): boolean {
    return this.#lane?.isFull === true
  }

  /** The partition ends there. */
  noteEnd(offset: number): void {
    if (this.#lane !== undefined) this.#lane.highWatermark = Math.max(offset, this.#lane.highWatermark ?? 0)
  }

  async stop(): Promise<void> {
    const { clock, logger, name, offsets, graceMs } = this.#parts
    this.#stopping.abort()
    if (await endsIn(clock, graceMs, this.#done)) return
    this.#ending.abort()
    if (await endsIn(clock, graceMs, this.#done)) return
    const what = this.#calls.slow(0) ?? 'what is under way has not ended'
    const sentence = `${this.#where}: ${what}, and the partition is let go without it: what it still writes may come behind what the next owner writes`
    logger.error({ sink: name, partition: this.#partition }, sentence)
    this.#isAbandoned = true
    this.#calls.abandon()
    offsets.forget()
    await endsIn(clock, graceMs, this.#done)
  }

  async #run(): Promise<void> {
    const { clock, counts, offsets } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#step()
      } catch (error) {
        if (signal.aborted || error instanceof Abandoned) break
        if (error instanceof StopsApp) {
          this.#parts.onFailure(advised(error.error))
          this.#tell('retrying', error.message)
          await clock.sleep(2 ** 30, signal)
          break
        }
        counts.retries++
        await this.#failed(error)
        await clock.sleep(this.#pauseMs(), signal)
      }
    }
    await this.#close()
    this.#dropLane()
    if (this.#isAbandoned) return
    await offsets.flush()
    offsets.forget()
  }

  /** Opens what is not open, and writes one batch. */
  async #step(): Promise<void> {
    const { offsets } = this.#parts
    const target = this.#target ?? (await this.#open())
    if (!(await this.#gather())) return
    const writing = this.#writing as Writing
    try {
      await writing.run(target, this.#calls, this.#position as number, (offset) => {
        this.#position = offset
        offsets.note(offset)
      })
    } finally {
      this.#kept = writing.reached ?? this.#kept
    }
    this.#writing = undefined
    this.#failures = 0
    this.#tell('running', undefined)
  }

  /** Something to write; false when there is none, since the partition is let go. */
  async #gather(): Promise<boolean> {
    const { signal } = this.#stopping
    const gatherer = this.#gatherer as Gatherer
    try {
      if (this.#writing === undefined) {
        const gathered = await gatherer.next(signal)
        if (gathered === undefined) return false
        this.#writing = new Writing(this.#parts, this.#partition, gathered)
      } else if (this.#writing.needsMore) {
        const more = await gatherer.next(signal, false)
        if (more !== undefined) this.#writing.add(more)
      }
      return true
    } catch (error) {
      // Where to go on is found out anew, from what is committed.
      await this.#parts.offsets.flush()
      this.#dropLane()
      this.#position = this.#kept = undefined
      await this.#close()
      throw error
    }
  }

  async #open(): Promise<Target> {
    const { target, at } = await openTarget(this.#parts, this.#partition, this.#calls, this.#ending.signal, this.#where)
    this.#target = target
    this.#isExact = target.offset !== undefined || target.twoPhase !== undefined
    await this.#goTo(this.#beginning(target, at), target, at.topicId)
    return target
  }

  #beginning(target: Target, at: Surroundings): Beginning {
    if (target.offset !== undefined) return keptBeginning(target.offset, at)
    if (target.twoPhase === undefined && this.#position !== undefined) return { offset: this.#position, missing: 0 }
    return committedBeginning(at) ?? { offset: at.start, missing: 0 }
  }

  async #goTo({ offset, missing, warning }: Beginning, target: Target, topicId: string): Promise<void> {
    const { counts, feed, logger, name, format } = this.#parts
    const isWhereItWas = target.offset === undefined ? offset === this.#position : offset === this.#kept
    if (isWhereItWas && this.#lane !== undefined) {
      if (target.offset !== undefined) await this.#writing?.reopened()
      return
    }
    this.#dropLane()
    counts.missing += missing
    if (warning !== undefined)
      logger.error(
        { sink: name, topic: format.name, partition: this.#partition, missing },
        `${this.#where}: ${warning}.`,
      )
    this.#position = offset
    this.#kept = target.offset === undefined ? undefined : offset
    // Also of a target that keeps it: Kafka's tools show what is committed.
    if (warning !== undefined || target.offset !== undefined) this.#parts.offsets.note(offset)
    this.#lane = feed.open(this.#partition, offset, topicId)
    const { batchRecords, batchBytes, onInvalid } = this.#parts.rules
    const now = (): number => this.#parts.clock.now()
    this.#gatherer = new Gatherer(this.#lane, { format, onInvalid, batchRecords, batchBytes, now })
    if (this.#failures === 0) this.#tell('running', undefined)
  }

  #dropLane(): void {
    if (this.#lane !== undefined) this.#parts.feed.release(this.#lane)
    this.#lane = this.#gatherer = this.#writing = undefined
  }

  async #failed(error: unknown): Promise<void> {
    const { logger, name } = this.#parts
    this.#failures++
    const place = `${this.#where}: `
    const said = reasonOf(error)
    // What is thrown here names the place, or the end of it.
    const named = [place, `${this.#parts.format.name}[${this.#partition}]: `].find((each) => said.startsWith(each))
    const reason = said.slice(named?.length ?? 0)
    const fields = { sink: name, partition: this.#partition, err: error }
    const what = `${place}${reason.replace(/\.$/, '')}. It is tried again`
    if (this.#failures === 1 || (this.#failures & (this.#failures - 1)) === 0) logger.warn(fields, what)
    else logger.debug(fields, what)
    this.#tell('retrying', reason)
    // Only the target knows whether a batch has come whose write has failed, where it is to come once.
    if (this.#isExact || this.#failures >= patience || this.#gatherer === undefined) await this.#close()
  }

  async #close(): Promise<void> {
    const target = this.#target
    this.#target = undefined
    if (target === undefined) return
    if (this.#stopping.signal.aborted) this.#ending.abort()
    try {
      await this.#calls.call('close', () => target.close())
    } catch (error) {
      if (error instanceof Abandoned) return
      this.#parts.logger.warn(
        { sink: this.#parts.name, err: error },
        `${this.#where}: close failed (${reasonOf(error)})`,
      )
    }
  }

  #pauseMs(): number {
    const { backoffMs, maxBackoffMs } = this.#parts.rules
    const nominal = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(30, this.#failures - 1))
    // Between half of it and all, and not the same for all partitions: by the golden ratio they are far apart.
    const share = ((this.#partition + this.#failures) * 0.618034) % 1
    return Math.ceil(nominal * (0.5 + share / 2))
  }

  #tell(state: WorkerState['state'], reason: string | undefined): void {
    if (this.#state === state && this.#reason === reason) return
    this.#state = state
    this.#reason = reason
    this.#parts.onState()
  }
}

function advised({ code, message, topic, partition, offset, cause }: MillraceError): MillraceError {
  const facts = { ...(topic === undefined ? {} : { topic }), ...(partition === undefined ? {} : { partition }) }
  const todo = `Set onInvalid: 'dead-letter' or 'skip' to go on, or repair what is wrong.`
  return new MillraceError(code, `${message} ${todo}`, {
    ...facts,
    ...(offset === undefined ? {} : { offset }),
    cause,
  })
}
