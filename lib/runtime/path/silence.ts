import type { Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { offsetOf, type TopicPartition } from '../../core/record.js'
import type { LogAdmin } from '../../log/port.js'
import type { StreamTime } from '../../turn/due/stream-time.js'
import type { SourceTime } from '../../turn/due/source-time.js'
import type { Task } from '../tasks/task.js'

export interface SilenceOptions {
  readonly admin: LogAdmin
  readonly clock: Clock
  readonly logger: Logger
  /** Where a partition ends, as the last fetch said. */
  readonly endOf: (topic: string, partition: number) => number | undefined
  /** Its inputs are not read for now: what was done of it may be done again. */
  readonly isPaused: (topic: string) => boolean
  /** More is known. */
  readonly onAnswer: () => void
}

interface Asked extends TopicPartition {
  readonly task: Task
  readonly time: SourceTime
}

/**
 * Finds source partitions that are silent: read to their ends, and nothing has come for a while. That is asked of the log each
 * time before it is said, since what the last fetch knew may be old: a process that was stopped for a minute finds what came
 * meanwhile. And it is asked again of those of all members when time goes on after all were silent: then a backlog may have come.
 */
export class Silence {
  readonly #options: SilenceOptions
  #asking = false
  /** Something was learned since the last look. */
  hasNews = false

  constructor(options: SilenceOptions) {
    this.#options = options
  }

  /** An answer is on its way. */
  get isAsking(): boolean {
    return this.#asking
  }

  // Rule silence-of-source (integration/model).
  /** Looks at all source partitions whose timestamps are event time to some kind. */
  look(tasks: Iterable<Task>): void {
    const { clock, endOf, isPaused } = this.#options
    const now = clock.now()
    this.hasNews = false
    const asked: Asked[] = []
    const waking: StreamTime[] = []
    for (const task of tasks) {
      for (const { stream } of task.agenda?.lanes ?? [])
        if (stream !== undefined && stream.doubtful(now).length > 0) waking.push(stream)
      for (const time of task.times.values()) {
        const { topic } = time
        const position = task.positions.get(topic) ?? 0
        time.reached(position, now)
        if (position < (endOf(topic, task.index) ?? 0)) time.hasMore(now)
        else if (!isPaused(topic) && time.isToBeAsked(now)) asked.push({ topic, partition: task.index, task, time })
      }
    }
    if (this.#asking || asked.length + waking.length === 0) return
    this.#asking = true
    void this.#ask(asked, waking, now)
  }

  /** Never rejects: it is asked again. */
  async #ask(asked: readonly Asked[], waking: readonly StreamTime[], now: number): Promise<void> {
    const { admin, clock, logger, onAnswer } = this.#options
    try {
      const doubtful = waking.flatMap((stream) => stream.doubtful(now))
      const partitions = [...asked, ...doubtful].map(
        ({ topic, partition }) => [`${topic} ${partition}`, { topic, partition }] as const,
      )
      const [ends, starts] = await Promise.all([
        admin.endOffsets([...new Map(partitions).values()], 'all'),
        doubtful.length === 0 ? new Map() : admin.startOffsets(doubtful),
      ])
      for (const stream of waking) stream.learned(starts, ends, clock.now())
      for (const { topic, partition, task, time } of asked) {
        const end = offsetOf(ends, topic, partition)
        const position = task.positions.get(topic) ?? 0
        time.reached(position, clock.now())
        if (end === undefined) continue
        if (position < end) time.hasMore(clock.now())
        else time.wasReadOut(now)
      }
    } catch (error) {
      logger.debug({ error }, `whether source partitions are silent is not known: ${reasonOf(error)}`)
    }
    this.#asking = false
    this.hasNews = true
    onAnswer()
  }
}
