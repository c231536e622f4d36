import type { Clock } from '../../core/clock.js'
import { reasonOf, type MillraceError } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { InvalidPolicy } from '../../model/stream.js'
import type { Tally } from '../../turn/running/tally.js'

/** Of one sort, one is told at once, and how many followed it after this long. */
const everyMs = 10_000

/** Sorts that are kept apart: names of topics in inboxes are what somebody has written there. */
const mostSorts = 1_000

interface Sort {
  readonly code: string
  readonly topic: string
  toldAt: number
  /** How many there had been in all by then. */
  told: number
  last: MillraceError
}

export interface RefusalsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Counts those that took effect, so that what is done again is not told twice. */
  readonly tally: Tally
}

/**
 * Warns of records that are refused, by code and topic: of the first of a sort at once, with all there is to say, and every ten
 * seconds of how many have come since. A topic full of bad values fills no disk with logs. What is skipped by policy is told at
 * debug only.
 */
export class Refusals {
  readonly #options: RefusalsOptions
  readonly #sorts = new Map<string, Sort>()

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  hear(error: MillraceError, policy: InvalidPolicy): void {
    if (policy === 'skip') return this.#skipped(error)
    const name = this.#nameOf(error)
    this.#options.tally.add(name)
    this.#tell(name, error)
  }

  /** Of a record that no commit can take back. */
  hearForGood(error: MillraceError, policy: InvalidPolicy): void {
    if (policy === 'skip') return this.#skipped(error)
    const name = this.#nameOf(error)
    this.#options.tally.addForGood(name)
    this.#tell(name, error)
  }

  /** Tells what is due to be told; `all`: nothing will be told later. */
  look(all = false): void {
    const { clock, logger, tally } = this.#options
    const now = clock.elapsed()
    for (const [name, sort] of this.#sorts) {
      if (!all && now - sort.toldAt < everyMs) continue
      const count = tally.of(name)
      const { code, topic, last, told, toldAt } = sort
      if (count <= told) {
        this.#sorts.delete(name)
        tally.forget(name)
        continue
      }
      const more = count - told
      const what = `${more} more like this in the last ${Math.round((now - toldAt) / 1_000)} s (${code}, ${topic}); the last: ${last.message}`
      logger.warn({ code, topic, suppressed: more, err: last }, what)
      sort.told = count
      sort.toldAt = now
    }
  }

  #tell(name: string, error: MillraceError): void {
    const known = this.#sorts.get(name)
    if (known !== undefined) {
      known.last = error
      return
    }
    const { clock, logger, tally } = this.#options
    const { code, topic = 'unknown' } = error
    this.#sorts.set(name, { code, topic, toldAt: clock.elapsed(), told: tally.of(name), last: error })
    logger.warn({ code, topic, suppressed: 0, err: error }, error.message)
  }

  #nameOf({ code, topic = 'unknown' }: MillraceError): string {
    const name = `${code} ${topic}`
    return this.#sorts.has(name) || this.#sorts.size < mostSorts ? name : code
  }

  #skipped(error: MillraceError): void {
    this.#options.logger.debug({ err: error }, `a record was skipped: ${reasonOf(error)}`)
  }
}
