import { allPartitions } from '../../lib/core/record.js'
import { recordCursor } from '../../lib/log/cursor.js'
import type { Fetched, LogPort } from '../../lib/log/port.js'
import type { OracleTopics } from '../oracle/program.js'
import { Divergence } from './divergence.js'
import { startOf } from './positions.js'

export interface FollowerOptions {
  readonly log: LogPort
  readonly topics: OracleTopics
  readonly partitions: number
  readonly onFailure: (error: unknown) => void
}

/**
 * Reads updates and refusals as they become visible, read_committed, so that a run ends close to what went wrong and not
 * minutes later.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #last = new Map<string, number>()
  readonly #stop = new AbortController()
  #work: Promise<void> = Promise.resolve()
  updates = 0

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  start(): void {
    this.#work = this.#run().catch(this.#options.onFailure)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    const { log, topics, partitions } = this.#options
    const fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1 << 20 })
    try {
      fetcher.assign(startOf([topics.updates, topics.errors].flatMap(({ name }) => allPartitions(name, partitions))))
      while (!this.#stop.signal.aborted) {
        for (const fetched of await fetcher.next(this.#stop.signal)) this.#look(fetched)
      }
    } finally {
      await fetcher[Symbol.asyncDispose]()
    }
  }

  #look(fetched: Fetched): void {
    const { topics } = this.#options
    const cursor = recordCursor(fetched)
    while (cursor.next()) {
      const at = `${fetched.topic}[${fetched.partition}]@${cursor.offset}`
      const value = cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd)
      if (fetched.topic === topics.errors.name) {
        const { came, found, source } = topics.errors.codec.decode(value)
        throw new Divergence(`refused by its object (input from ${source})`, came.key, found, came, at)
      }
      const { key, n } = topics.updates.codec.decode(value)
      const due = (this.#last.get(key) ?? 0) + 1
      if (n !== due) throw new Divergence('updates, in order', key, due, n, at)
      this.#last.set(key, n)
      this.updates++
    }
  }
}
