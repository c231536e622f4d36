import type { Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { LogAdmin } from '../../log/port.js'
import { lookAt } from '../setup/topic-ids.js'
import type { Topology } from '../setup/topology.js'

/** How soon a partition that was added to a source is read: two small requests each time. */
const lookMs = 5_000

/** Partitions by topic. */
export type PartitionCounts = Readonly<Record<string, number>>

export interface GrowthOptions {
  readonly topology: Topology
  readonly admin: LogAdmin
  readonly clock: Clock
  readonly logger: Logger
  /** A topic that the app reads or keeps state in is another than at its start. */
  readonly onMadeAnew: (topic: string) => void
}

/**
 * Looks whether sources have gained partitions, and whether topics have been made anew. A partition that it finds is not worked
 * with at once: members tell the leader, and all work with what the leader tells, so that it has an owner from one generation
 * on, and one only.
 */
export class Growth {
  readonly #options: GrowthOptions
  readonly #found: Map<string, number>
  #onFound: ((what: string) => void) | undefined
  #stop: (() => void) | undefined
  #looking: Promise<void> | undefined
  #closed = false

  constructor(options: GrowthOptions) {
    this.#options = options
    this.#found = sourceCounts(options.topology)
  }

  /**
   * Of each source, as many partitions as are known to exist: more than are worked with when some were just found, fewer were
   * found when another member told of them. That one may be gone, so they are told on.
   */
  get partitions(): PartitionCounts {
    const counts = [...sourceCounts(this.#options.topology)]
    return Object.fromEntries(counts.map(([topic, known]) => [topic, Math.max(known, this.#found.get(topic) ?? 0)]))
  }

  /** Calls `onFound` as long as there are partitions that are not worked with. */
  watch(onFound: (what: string) => void): void {
    if (this.#closed) return
    this.#onFound = onFound
    this.#stop = this.#options.clock.every(lookMs, () => void this.look())
  }

  close(): void {
    this.#closed = true
    this.#onFound = undefined
    this.#stop?.()
  }

  /** Looks now. Never rejects: what could not be seen is seen later. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<void> {
    const { admin, topology, clock, logger, onMadeAnew } = this.#options
    try {
      const { infos, changed } = await lookAt(topology.ids, admin, clock)
      if (changed !== undefined) return onMadeAnew(changed)
      for (const [topic, known] of this.#found)
        this.#found.set(topic, Math.max(infos.get(topic)?.partitions ?? 0, known))
    } catch (error) {
      return logger.debug({ err: error }, `sources were not looked at: ${reasonOf(error)}`)
    }
    const grown = [...this.#found].filter(([topic, count]) => count > (topology.inputs.get(topic) ?? 0))
    if (grown.length === 0) return
    this.#onFound?.(grown.map(([topic, count]) => `${topic} has ${count} partitions now`).join(', '))
  }
}

/** Partitions of the sources that are worked with. */
export function sourceCounts({ inputs, inboxes }: Topology): Map<string, number> {
  return new Map([...inputs].filter(([topic]) => !inboxes.includes(topic)))
}

/** For each source the most that anybody knows of. */
export function mostOf(own: PartitionCounts, told: readonly PartitionCounts[]): PartitionCounts {
  return Object.fromEntries(
    Object.entries(own).map(([topic, count]) => [topic, Math.max(count, ...told.map((other) => other[topic] ?? 0))]),
  )
}

/** Works with these partitions from now on; returns the tasks that have gained one. */
export function grow(topology: Topology, partitions: PartitionCounts): ReadonlySet<number> {
  const gained = new Set<number>()
  for (const [topic, known] of sourceCounts(topology)) {
    const count = partitions[topic] ?? 0
    for (let task = known; task < count; task++) gained.add(task)
    topology.inputs.set(topic, Math.max(known, count))
  }
  return gained
}
