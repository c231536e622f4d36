import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { TopicPartition } from '../../core/record.js'
import { Code, nameOf } from './error-codes.js'
import { LinkLost, LinkRefused } from './link.js'

/** Thrown by an attempt that may succeed a little later. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain'
  /** Pauses between attempts: they double from `firstMs` to `mostMs`. */
  readonly firstMs: number
  readonly mostMs: number
  /** The topic that is not there; it may have been made a moment ago, but not for ever. */
  readonly missing: TopicPartition | undefined
  /** The broker is the right one, it is only not done yet: metadata would tell nothing new. */
  readonly busy: boolean

  constructor(
    reason: string,
    pause: { firstMs?: number; mostMs?: number; missing?: TopicPartition | undefined; busy?: boolean } = {},
  ) {
    super(reason)
    this.firstMs = pause.firstMs ?? 5
    this.mostMs = pause.mostMs ?? 200
    this.missing = pause.missing
    this.busy = pause.busy ?? false
  }

  static because(code: number, at?: TopicPartition): TryAgain {
    // A transaction that is being ended is done in 1 ms nearly always; waiting longer would be most of a commit.
    if (code === Code.concurrentTransactions) return new TryAgain(nameOf(code), { firstMs: 1, mostMs: 20, busy: true })
    return new TryAgain(nameOf(code), { missing: code === Code.unknownTopicOrPartition ? at : undefined })
  }
}

export interface Patience {
  readonly clock: Clock
  readonly logger: Logger
  readonly closed: AbortSignal
  /** False until a broker has once accepted us: being refused is then a wrong option, not a passing trouble. */
  readonly wasAccepted: () => boolean
}

const missingTopicMs = 5_000
const warnAfterMs = 2_000
const warnEveryMs = 15_000

/**
 * Attempts until there is a definite answer, however long brokers are away. Rejects with what an attempt throws other than
 * `TryAgain` and lost connections, with `APP_CLOSED` when closed, and with `TOPIC_MISSING` for a topic that stays missing.
 */
export async function insist<T>(
  { clock, logger, closed, wasAccepted }: Patience,
  what: string,
  attempt: (before: TryAgain | LinkLost | LinkRefused | undefined) => Promise<T>,
): Promise<T> {
  const began = clock.elapsed()
  let warnAt = began + warnAfterMs
  let missingSince: number | undefined
  let pauseMs = 0
  let before: TryAgain | LinkLost | LinkRefused | undefined
  for (;;) {
    if (closed.aborted) throw new MillraceError('APP_CLOSED', `${what}: the log is closed.`, { cause: before })
    try {
      return await attempt(before)
    } catch (error) {
      before = passing(error, what, wasAccepted())
    }
    const now = clock.elapsed()
    const missing = before instanceof TryAgain ? before.missing : undefined
    missingSince = missing === undefined ? undefined : (missingSince ?? now)
    if (missing !== undefined && now - missingSince! > missingTopicMs) {
      const { topic, partition } = missing
      throw new MillraceError(
        'TOPIC_MISSING',
        `${what}: ${topic}[${partition}] does not exist. Create the topic.`,
        missing,
      )
    }
    if (now >= warnAt) {
      logger.warn({ what, forMs: Math.round(now - began), reason: before.message }, 'still trying')
      warnAt = now + warnEveryMs
    }
    const { firstMs, mostMs } = pauseAfter(before)
    pauseMs = Math.min(Math.max(pauseMs * 2, firstMs), mostMs)
    await clock.sleep(pauseMs, closed)
  }
}

/** A broker that is gone is replaced within seconds, and is missed for as long as the last pause lasts. */
const lostPause = { firstMs: 10, mostMs: 250 }
const refusedPause = { firstMs: 10, mostMs: 1_000 }

function pauseAfter(before: TryAgain | LinkLost | LinkRefused): { readonly firstMs: number; readonly mostMs: number } {
  if (before instanceof TryAgain) return before
  return before instanceof LinkLost ? lostPause : refusedPause
}

function passing(error: unknown, what: string, wasAccepted: boolean): TryAgain | LinkLost | LinkRefused {
  if (error instanceof TryAgain || error instanceof LinkLost) return error
  if (!(error instanceof LinkRefused)) throw error
  if (wasAccepted) return error
  throw new MillraceError('BROKER_REFUSED', `${what}: ${reasonOf(error)}. Check the options ssl and sasl.`, {
    cause: error,
  })
}
