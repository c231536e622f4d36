import type { Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { allPartitions, offsetOf, type Positions, type TopicPartition } from '../../core/record.js'
import type { LogAdmin } from '../../log/port.js'
import type { Topology } from '../setup/topology.js'
import { Progress } from './progress.js'
import type { Task } from './task.js'

/** Between two looks at the group's offsets: as soon as this at first, and less often the longer it takes. */
const firstLookMs = 20
const lookMs = 1_000
/** A backlog that takes longer is told of, since somebody may miss their timers. */
const toldAfterMs = 10_000

export interface BacklogOptions {
  readonly topology: Topology
  readonly admin: LogAdmin
  readonly clock: Clock
  readonly logger: Logger
  /** Tasks of this process, those that are being taken over included. */
  readonly held: () => readonly number[]
  readonly isRunning: (task: Task) => boolean
  /** Somebody waits for positions to be committed, as long as it is 1. */
  readonly hurry: (by: 1 | -1) => void
  /** What waited for a backlog may be done. */
  readonly onDone: () => void
}

/** What a task that has been taken over has to have processed before anything is due in it by the clock. */
interface Hold {
  readonly task: Task
  /** Of all source partitions. */
  sources?: { readonly ends: Positions; readonly starts: Positions }
  /** Of its inboxes, when all that could hop into them from those sources has been processed. */
  inboxes?: readonly (readonly [topic: string, end: number])[]
  isDone: boolean
}

/**
 * When a task has been taken over, timers may be due that were taken back by records nobody has processed yet. So what goes by
 * the clock waits: first until what was in the sources has been processed by the group, as its committed offsets say, of other
 * partitions only where records hop, and only as long as their owners get on; then until the task has read what is in its inboxes
 * by then. A turn that waits for its next attempt has been processed in this sense: timers of its object wait behind it.
 */
export class Backlog {
  readonly #options: BacklogOptions
  readonly #sources: () => readonly TopicPartition[]
  readonly #isNeeded: boolean
  readonly #holds = new WeakMap<Task, Hold>()
  readonly #pending = new Set<Hold>()
  readonly #progress: Progress
  /** Records of this app have hopped; not known before it is looked for. */
  #hop = false
  #closed = new AbortController()

  constructor(options: BacklogOptions) {
    this.#options = options
    const { topology, clock } = options
    this.#progress = new Progress(clock)
    this.#isNeeded = topology.kinds.some(
      ({ ttlMs, timers }) =>
        ttlMs !== undefined ||
        [...timers.values()].some(({ time, backlog }) => time === 'processing' && backlog === 'wait'),
    )
    const inboxes = new Set(topology.inboxes)
    this.#sources = () =>
      [...topology.inputs].flatMap(([topic, count]) => (inboxes.has(topic) ? [] : allPartitions(topic, count)))
  }

  /** Whether what is due by the clock may be done. From the first time that it is asked about a task that is looked into. */
  isDone(task: Task): boolean {
    if (!this.#isNeeded) return true
    const hold = this.#holds.get(task)
    if (hold === undefined) this.#begin(task)
    if (hold?.inboxes === undefined) return false
    if (hold.isDone) return true
    if (!hold.inboxes.every(([topic, end]) => (task.positions.get(topic) ?? 0) >= end)) return false
    // What is not committed may be taken back, and then it is to be done again first.
    hold.isDone = hold.inboxes.every(([topic, end]) => (task.committedPositions.get(topic) ?? 0) >= end)
    return true
  }

  close(): void {
    this.#closed.abort()
  }

  #begin(task: Task): void {
    const hold: Hold = { task, isDone: false }
    this.#holds.set(task, hold)
    this.#pending.add(hold)
    if (this.#pending.size === 1) void this.#follow()
  }

  /** Never rejects. */
  async #follow(): Promise<void> {
    const { clock, logger, hurry, isRunning } = this.#options
    const { signal } = this.#closed
    hurry(1)
    const since = clock.elapsed()
    let isTold = false
    for (let waitMs = firstLookMs; this.#pending.size > 0 && !signal.aborted; waitMs = Math.min(lookMs, waitMs * 1.5)) {
      await this.#look().catch((error: unknown) => {
        logger.debug({ error }, `whether there is a backlog is not known yet: ${reasonOf(error)}`)
      })
      for (const hold of this.#pending) if (!isRunning(hold.task)) this.#pending.delete(hold)
      if (this.#pending.size === 0) break
      if (!isTold && clock.elapsed() - since >= toldAfterMs) {
        isTold = true
        const tasks = [...this.#pending].map(({ task }) => task.index)
        logger.info({ tasks }, 'timers by the clock wait until what was there at the takeover has been processed')
      }
      await clock.sleep(waitMs, signal)
    }
    if (isTold && !signal.aborted) logger.info({}, 'timers by the clock do not wait for a backlog any more')
    this.#progress.forget()
    hurry(-1)
  }

  async #look(): Promise<void> {
    const { topology, admin } = this.#options
    const sources = this.#sources()
    const unknown = [...this.#pending].filter((hold) => hold.sources === undefined)
    if (unknown.length > 0) {
      const [ends, starts] = [await admin.endOffsets(sources, 'committed'), await admin.startOffsets(sources)]
      for (const hold of unknown) hold.sources = { ends, starts }
    }
    this.#progress.look(await admin.stableCommitted(topology.app, sources))
    for (const hold of this.#pending) {
      const left = sources.filter((at) => !this.#isProcessed(hold, at))
      if (left.some(({ partition }) => partition === hold.task.index)) continue
      if (left.length > 0 && (await this.#anyHop()) && this.#mayCome(left)) continue
      await this.#done(hold)
    }
  }

  #isProcessed({ sources }: Hold, { topic, partition }: TopicPartition): boolean {
    if (sources === undefined) return false
    const start = offsetOf(sources.starts, topic, partition) ?? 0
    const position = Math.max(start, this.#progress.of(topic, partition) ?? 0)
    return position >= (offsetOf(sources.ends, topic, partition) ?? 0)
  }

  /** Of what is left elsewhere: whether somebody is at it. */
  #mayCome(left: readonly TopicPartition[]): boolean {
    const ours = new Set(this.#options.held())
    return left.some(({ topic, partition }) => ours.has(partition) || !this.#progress.standsStill(topic, partition))
  }

  async #anyHop(): Promise<boolean> {
    if (this.#hop) return true
    const { admin, topology } = this.#options
    const inboxes = topology.inboxes.flatMap((topic) => allPartitions(topic, topology.stateTasks))
    const ends = await admin.endOffsets(inboxes, 'all')
    this.#hop = inboxes.some(({ topic, partition }) => (offsetOf(ends, topic, partition) ?? 0) > 0)
    return this.#hop
  }

  async #done(hold: Hold): Promise<void> {
    const { admin, topology, onDone } = this.#options
    const { index } = hold.task
    // With what is in transactions that are still open: hops of commits under way.
    const ends = await admin.endOffsets(
      topology.inboxes.map((topic) => ({ topic, partition: index })),
      'all',
    )
    hold.inboxes = topology.inboxes.map((topic) => [topic, offsetOf(ends, topic, index) ?? 0])
    this.#pending.delete(hold)
    onDone()
  }
}
