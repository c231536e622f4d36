import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { offsetOf, PositionMap, type TopicPartition } from '../../core/record.js'
import type { LogAdmin } from '../../log/port.js'
import type { Intake } from './intake.js'
import type { Task } from '../tasks/task.js'

/**
 * Where partitions end, for the lag: as the last fetch said, and until there was one, as the broker says when it is asked.
 * A partition that is far behind others may wait long for its first fetch.
 */
export class KnownEnds {
  readonly #intake: Intake
  readonly #admin: LogAdmin
  readonly #logger: Logger
  readonly #ends = new PositionMap()
  /** Tasks whose ends have been asked for. */
  readonly #asked = new WeakSet<Task>()
  #asking = false

  constructor(intake: Intake, admin: LogAdmin, logger: Logger) {
    this.#intake = intake
    this.#admin = admin
    this.#logger = logger
  }

  of(topic: string, partition: number): number | undefined {
    return this.#intake.highWatermark(topic, partition) ?? offsetOf(this.#ends.topics, topic, partition)
  }

  /** Asks once for what is not known of tasks that have begun to run. */
  look(running: Iterable<Task>): void {
    if (this.#asking) return
    const unknown: TopicPartition[] = []
    for (const task of running) {
      if (this.#asked.has(task)) continue
      this.#asked.add(task)
      for (const topic of task.positions.keys()) {
        if (this.#intake.highWatermark(topic, task.index) === undefined) unknown.push({ topic, partition: task.index })
      }
    }
    if (unknown.length > 0) void this.#ask(unknown)
  }

  /** Never rejects: the next fetch tells as well. */
  async #ask(unknown: readonly TopicPartition[]): Promise<void> {
    this.#asking = true
    try {
      for (const [topic, ends] of await this.#admin.endOffsets(unknown, 'all')) {
        for (const [partition, end] of ends) this.#ends.set(topic, partition, end)
      }
    } catch (error) {
      this.#logger.debug({ err: error }, `the lag of partitions not yet fetched is not known: ${reasonOf(error)}`)
    }
    this.#asking = false
  }
}
