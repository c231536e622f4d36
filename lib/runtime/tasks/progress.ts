import type { Clock } from '../../core/clock.js'
import { offsetOf, PositionMap, type Positions } from '../../core/record.js'

/** A partition whose offset has not moved for so long is not waited for. */
const standstillMs = 5_000
/** Time between two looks counts up to this: while nothing could be asked, nothing stood still. */
const mostBetweenMs = 1_000

/** How the committed offsets of a group go on, from look to look. */
export class Progress {
  readonly #clock: Clock
  #committed: Positions = new Map()
  #still = new PositionMap()
  #lookedAt: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** This is what is committed now. */
  look(committed: Positions): void {
    const now = this.#clock.elapsed()
    const passed = Math.min(mostBetweenMs, now - (this.#lookedAt ?? now))
    const still = new PositionMap()
    for (const [topic, partitions] of this.#still.topics)
      for (const [partition, ms] of partitions)
        if (this.of(topic, partition) === offsetOf(committed, topic, partition))
          still.set(topic, partition, ms + passed)
    this.#still = still
    this.#committed = committed
    this.#lookedAt = now
  }

  of(topic: string, partition: number): number | undefined {
    return offsetOf(this.#committed, topic, partition)
  }

  /** From the first time that this is asked. */
  standsStill(topic: string, partition: number): boolean {
    const ms = offsetOf(this.#still.topics, topic, partition)
    if (ms === undefined) this.#still.set(topic, partition, 0)
    return ms !== undefined && ms >= standstillMs
  }

  forget(): void {
    this.#still = new PositionMap()
    this.#lookedAt = undefined
  }
}
