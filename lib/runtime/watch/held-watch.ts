import type { Clock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { Held, LogAdmin, OpenTransaction } from '../../log/port.js'
import { heldPartition, type HeldPartition, heldPatienceMs } from './held-partition.js'

/** How soon it is noticed that a partition stands still, or is read on; from memory. */
const lookMs = 1_000
/** How often brokers are asked while something stands still. */
const askMs = 10_000

export interface HeldWatchOptions {
  readonly app: string
  readonly clock: Clock
  readonly logger: Logger
  readonly admin: LogAdmin
  /** What stands still now. */
  readonly held: () => readonly Held[]
  /** Whether the app itself writes to a topic, for where brokers do not say who has. */
  readonly writesTo: (topic: string) => boolean
}

interface Standing {
  at: Held
  readonly since: number
  readonly sinceElapsed: number
  open: OpenTransaction | undefined
  told: boolean
}

/** Finds out who holds partitions that are not read on; brokers are asked only while there are some. */
export class HeldWatch {
  readonly #options: HeldWatchOptions
  readonly #standings = new Map<string, Standing>()
  #lookAt = -Infinity
  #askAt = -Infinity
  #asking = false

  constructor(options: HeldWatchOptions) {
    this.#options = options
  }

  get found(): readonly HeldPartition[] {
    return [...this.#standings.values()].flatMap((standing) => this.#judged(standing) ?? [])
  }

  look(): void {
    const now = this.#options.clock.elapsed()
    if (now < this.#lookAt) return
    this.#lookAt = now + lookMs
    this.#notice(now)
    const long = [...this.#standings.values()].filter(({ sinceElapsed }) => now - sinceElapsed >= heldPatienceMs)
    if (long.length > 0 && now >= this.#askAt && !this.#asking) void this.#ask(long)
    for (const standing of long) this.#tell(standing)
  }

  #notice(now: number): void {
    const { clock, held, logger } = this.#options
    const gone = new Map(this.#standings)
    for (const at of held()) {
      const key = `${at.topic} ${at.partition}`
      const known = this.#standings.get(key)
      if (known?.at.offset === at.offset) {
        known.at = at
        gone.delete(key)
      } else this.#standings.set(key, { at, since: clock.now(), sinceElapsed: now, open: undefined, told: false })
    }
    for (const [key, standing] of gone) {
      if (this.#standings.get(key) === standing) this.#standings.delete(key)
      const { topic, partition } = standing.at
      if (standing.told) logger.info({ topic, partition }, `${topic}[${partition}] is read on`)
    }
  }

  /** Never rejects: what could not be found out is asked again. */
  async #ask(standings: readonly Standing[]): Promise<void> {
    const { admin, clock, logger } = this.#options
    this.#asking = true
    try {
      const open = await admin.openTransactions(standings.map(({ at }) => at))
      for (const standing of standings) {
        const { topic, partition } = standing.at
        standing.open = open.find((one) => one.topic === topic && one.partition === partition)
        this.#tell(standing)
      }
    } catch (error) {
      logger.debug({ err: error }, `open transactions were not asked for: ${reasonOf(error)}`)
    }
    this.#askAt = clock.elapsed() + askMs
    this.#asking = false
  }

  #tell(standing: Standing): void {
    const found = standing.told ? undefined : this.#judged(standing)
    if (found === undefined) return
    standing.told = true
    this.#options.logger.warn({ ...found }, found.reason)
  }

  #judged({ at, since, sinceElapsed, open }: Standing): HeldPartition | undefined {
    const { app, clock, writesTo } = this.#options
    const id = open?.producer?.transactionalId
    const isOwn = open?.producer === undefined ? writesTo(at.topic) : id?.startsWith(`${app}:`) === true
    return heldPartition({ at, since, forMs: clock.elapsed() - sinceElapsed, open, isOwn })
  }
}
