import { MillraceError } from '../../core/errors.js'
import { asBuffer } from '../../core/bytes.js'
import { PositionMap, type TopicPartition } from '../../core/record.js'
import { firstTimeIn } from '../../log/format/batch-header.js'
import type { Fetched, Fetcher, Held, LogPort } from '../../log/port.js'
import type { Task } from '../tasks/task.js'

/** Bytes fetched and not yet processed above which fetching pauses; one answer more may be on its way. */
const pendingLimit = 16 << 20
/** Of one partition in one answer. */
const maxBytes = 1 << 20

/** Fetches for all running tasks and keeps what was fetched in order of arrival. */
export class Intake {
  readonly #fetcher: Fetcher
  readonly #ids: ReadonlyMap<string, string>
  readonly #onArrival: () => void
  readonly #onOutOfRange: (error: MillraceError) => void
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  /** Where the next fetch of a partition begins, by topic and partition. */
  #fetchFrom = new PositionMap()
  #highWatermarks = new PositionMap()
  #queue: Fetched[] = []
  /** Topics that are not read for now. */
  #paused: ReadonlySet<string> = new Set()
  /** Partitions of which nothing is given out. */
  readonly #held = new Set<string>()
  #pending = 0
  #room: (() => void) | undefined
  #assigned = (): void => undefined

  /** `ids`: of the topics that are read. `onOutOfRange`: a position is not in its partition. Nothing is fetched then before the next `assign`. */
  constructor(
    log: LogPort,
    ids: ReadonlyMap<string, string>,
    onArrival: () => void,
    onOutOfRange: (error: MillraceError) => void,
    onError: (error: unknown) => void,
  ) {
    // Rule inbox-committed (integration/model).
    this.#fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes })
    this.#ids = ids
    this.#onArrival = onArrival
    this.#onOutOfRange = onOutOfRange
    this.#onError = onError
    this.#running = this.#run()
  }

  /** What to process next; undefined when nothing is here but of partitions that are held. */
  take(): Fetched | undefined {
    if (this.#held.size === 0) return this.#queue.shift()
    const at = this.#queue.findIndex((fetched) => !this.#held.has(nameOf(fetched)))
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0]
  }

  /** Nothing of this partition is given out, nor fetched, before `release`. */
  hold(at: TopicPartition): void {
    this.#held.add(nameOf(at))
    this.#fetcher.pause(at)
  }

  release(at: TopicPartition): void {
    this.#held.delete(nameOf(at))
    this.#fetcher.resume(at)
  }

  /** `take` of these bytes has been processed. */
  done(bytes: number): void {
    this.#pending -= bytes
    if (this.#pending < pendingLimit) this.#room?.()
  }

  /** Whether there is nothing to take. */
  get dry(): boolean {
    if (this.#held.size === 0) return this.#queue.length === 0
    return this.#queue.every((fetched) => this.#held.has(nameOf(fetched)))
  }

  highWatermark(topic: string, partition: number): number | undefined {
    return this.#highWatermarks.topics.get(topic)?.get(partition)
  }

  /** Of each partition that something waits of: the timestamp of the first record, or about. */
  get firstTimes(): PositionMap['topics'] {
    const first = new PositionMap()
    for (const { topic, partition, bytes } of this.#queue) {
      if (first.topics.get(topic)?.has(partition) === true) continue
      const time = firstTimeIn(asBuffer(bytes))
      if (time !== undefined) first.set(topic, partition, time)
    }
    return first.topics
  }

  /** Partitions that are not read on because of an open transaction; the ends that are told of these count too. */
  held(): readonly Held[] {
    const held = this.#fetcher.held()
    for (const { topic, partition, highWatermark } of held) this.#highWatermarks.set(topic, partition, highWatermark)
    return held
  }

  /**
   * Fetches for exactly these tasks from now on. Tasks in `begin` start at their positions; the others go on. What was
   * fetched for tasks that are gone is dropped.
   */
  assign(tasks: Iterable<Task>, begin: ReadonlySet<Task>): void {
    const next = new PositionMap()
    const known = this.#fetchFrom.topics
    for (const task of tasks) {
      for (const [topic, offset] of task.positions) {
        if (this.#paused.has(topic)) continue
        next.set(topic, task.index, begin.has(task) ? offset : (known.get(topic)?.get(task.index) ?? offset))
      }
    }
    const fresh = new Set([...begin].map((task) => task.index))
    this.#queue = this.#queue.filter(({ topic, partition, bytes }) => {
      const keep = next.topics.get(topic)?.has(partition) === true && !fresh.has(partition)
      if (!keep) this.done(bytes.length)
      return keep
    })
    this.#fetchFrom = next
    this.#fetcher.assign(next.topics, this.#ids)
    this.#assigned()
  }

  /**
   * Exactly these topics are not read for now. What was fetched of them is dropped: they are read on where their tasks stand, so nobody may
   * be reading them.
   */
  pause(topics: ReadonlySet<string>, tasks: Iterable<Task>): void {
    this.#paused = topics
    this.assign(tasks, new Set())
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#room?.()
    this.#assigned()
    await this.#running
    await this.#fetcher[Symbol.asyncDispose]()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    try {
      while (!signal.aborted) {
        const answers = await this.#next(signal)
        let inStep = true
        for (const fetched of answers) inStep = this.#arrived(fetched) && inStep
        if (!inStep) this.#fetcher.assign(this.#fetchFrom.topics, this.#ids)
        if (answers.length > 0) this.#onArrival()
        if (this.#pending >= pendingLimit && !signal.aborted)
          await new Promise<void>((resolve) => (this.#room = resolve))
      }
    } catch (error) {
      if (!signal.aborted) this.#onError(error)
    }
  }

  async #next(signal: AbortSignal): Promise<readonly Fetched[]> {
    try {
      return await this.#fetcher.next(signal)
    } catch (error) {
      if (signal.aborted || !MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) throw error
      const assigned = new Promise<void>((resolve) => (this.#assigned = resolve))
      this.#onOutOfRange(error)
      await assigned
      return []
    }
  }

  /**
   * False when the answer is not the one waited for: it was handed out just before `assign`, which knew nothing of it.
   * Then the fetcher stands elsewhere than we do and would stay there.
   */
  #arrived(fetched: Fetched): boolean {
    const { topic, partition } = fetched
    const expected = this.#fetchFrom.topics.get(topic)?.get(partition)
    if (expected !== fetched.from) return expected === undefined
    this.#fetchFrom.set(topic, partition, fetched.to)
    this.#highWatermarks.set(topic, partition, fetched.highWatermark)
    this.#pending += fetched.bytes.length
    this.#queue.push(fetched)
    return true
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`
