import type { Clock } from '../core/clock.js'
import { reasonOf } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { batchLimit, maxBatchBytes, type BatchRules } from './batch-rules.js'
import type { LogAdmin } from './port.js'

/** How soon a limit that was raised is made use of; one that was lowered is noticed when a batch is refused. */
const lookMs = 30_000

export interface TopicLimitsOptions {
  readonly rules: BatchRules
  readonly admin: LogAdmin
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps up with what the topics that the app writes to take: their settings can change while it runs. */
export class TopicLimits {
  readonly #options: TopicLimitsOptions
  /** Topics that have refused what their settings allow, with what those said: where they cannot be asked for, or are not all. */
  readonly #found = new Map<string, number>()
  readonly #stop: () => void
  #looking: Promise<void> | undefined

  constructor(options: TopicLimitsOptions) {
    this.#options = options
    this.#stop = options.clock.every(lookMs, () => {
      // A look that waits for brokers is waited for.
      this.#looking ??= this.#look(options.rules.topics).finally(() => (this.#looking = undefined))
    })
  }

  close(): void {
    this.#stop()
  }

  /** A batch was refused for its size. False when it was known to be too large: then making it again is of no use. */
  async refused(topic: string, { bytes, records }: { bytes: Uint8Array; records: number }): Promise<boolean> {
    const { length } = bytes
    const rule = this.#options.rules.of(topic)
    const known = rule.maxBytes
    await this.#look([topic])
    if (length > known) return rule.maxBytes >= length
    if (rule.maxBytes >= length) {
      this.#found.set(topic, this.#found.get(topic) ?? rule.maxBytes)
      if (records === 1) rule.maxBytes = length - 1
      else rule.roundBytes = Math.floor(length / 2)
    }
    const what = `${topic} refused a batch of ${length} bytes: batches of at most ${batchLimit(rule)} are sent from now on`
    this.#options.logger.warn({ topic }, what)
    return true
  }

  /** Never rejects: what could not be seen is seen later. */
  async #look(topics: readonly string[]): Promise<void> {
    const { admin, rules, logger } = this.#options
    try {
      for (const [topic, info] of await admin.describe(topics)) {
        if (info === undefined || this.#found.get(topic) === maxBatchBytes(info.configs)) continue
        this.#found.delete(topic)
        rules.note(topic, info.configs)
      }
    } catch (error) {
      logger.debug({ err: error }, `limits of topics were not looked at: ${reasonOf(error)}`)
    }
  }
}
