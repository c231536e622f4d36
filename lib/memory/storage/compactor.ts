import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { compactLog } from './compaction.js'
import type { PartitionLog } from './partition-log.js'
import type { Topics } from './topics.js'

/** Below this nothing is compacted by itself: small logs cost nothing to keep and little to read. */
const smallestDirtyBytes = 1024 * 1024

/** Compacts logs by itself as they grow, so that what a long run keeps is bounded by its live keys. */
export class Compactor {
  readonly #topics: Topics
  readonly #clock: Clock
  /** What each log held after its last pass. */
  readonly #clean = new Map<PartitionLog, number>()
  readonly #running = new Map<PartitionLog, Promise<void>>()

  constructor(topics: Topics, clock: Clock) {
    this.#topics = topics
    this.#clock = clock
  }

  /** Starts a pass when enough has been appended since the last (`min.cleanable.dirty.ratio`). */
  consider(log: PartitionLog): void {
    const dirty = log.bytes - (this.#clean.get(log) ?? 0)
    if (dirty < smallestDirtyBytes || this.#running.has(log)) return
    if (!this.#topics.config(log.topic, 'cleanup.policy').includes('compact')) return
    const ratio = Number(this.#topics.config(log.topic, 'min.cleanable.dirty.ratio'))
    if (dirty >= ratio * log.bytes) this.#start(log)
  }

  /** One whole pass over every partition of a topic, whatever its policy. Rejects with `TOPIC_MISSING`. */
  async compact(topic: string): Promise<void> {
    for (const log of this.#topics.get(topic)?.logs ?? [this.#topics.partition({ topic, partition: 0 })]) {
      await this.#running.get(log)
      this.#start(log)
      await this.#running.get(log)
    }
  }

  /** Waits for the passes that are running. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  #start(log: PartitionLog): void {
    this.#running.set(
      log,
      this.#pass(log).finally(() => this.#running.delete(log)),
    )
  }

  async #pass(log: PartitionLog): Promise<void> {
    try {
      await compactLog(log, this.#clock, Number(this.#topics.config(log.topic, 'delete.retention.ms')))
    } catch (error) {
      // Then it stays as it is; whoever reads it learns what package is missing.
      if (!MillraceError.is(error, 'COMPRESSION_UNAVAILABLE')) throw error
    }
    this.#clean.set(log, log.bytes)
  }
}
