import { MillraceError } from '../../core/errors.js'
import type { Channel } from '../connection/channel.js'
import { Code, isFenced } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { TryAgain } from '../connection/insist.js'
import { fencedError } from './offset-answers.js'
import { initProducerId, noIdentity, type ProducerIdentity } from '../protocol/transaction.js'

const invalidTransactionTimeout = 50

/**
 * A producer id and epoch for a transactional id; waits until a transaction of the previous epoch is decided. With
 * `noIdentity` it takes the id over, with one's own it rejects with `FENCED` when somebody else has taken it over.
 */
export async function initProducer(
  channel: Channel,
  transactionalId: string,
  timeoutMs: number,
  current: ProducerIdentity,
): Promise<ProducerIdentity> {
  const body = { transactionalId, timeoutMs, current }
  const to = ['transaction', transactionalId] as const
  const { errorCode, ...identity } = await channel.toCoordinator(to, initProducerId, body, (answer) => answer.errorCode)
  if (errorCode === Code.none) return identity
  if (isFenced(errorCode)) throw fencedError(errorCode, transactionalId)
  if (errorCode === invalidTransactionTimeout) {
    const what = `${transactionalId}: the brokers allow no transaction of ${timeoutMs} ms. Lower it, or raise their transaction.max.timeout.ms.`
    throw new MillraceError('OPTIONS_INVALID', what)
  }
  throw identityRefused(transactionalId, errorCode)
}

/** A producer id of an idempotent producer, which any broker gives out. */
export function initIdempotentProducer(channel: Channel): Promise<ProducerIdentity> {
  return channel.insist('InitProducerId', async () => {
    const { errorCode, ...identity } = await channel.askAny(initProducerId, anonymous)
    if (errorCode === Code.none) return identity
    if (errorCode === Code.coordinatorLoading || errorCode === Code.coordinatorNotAvailable) {
      throw TryAgain.because(errorCode)
    }
    throw identityRefused('an idempotent producer', errorCode)
  })
}

const anonymous = { transactionalId: null, timeoutMs: 60_000, current: noIdentity }

function identityRefused(who: string, code: number): MillraceError {
  const todo = 'Look at the broker that coordinates it'
  return refused(`InitProducerId of ${who}`, code, { transactionalId: [who, 'Write'] }, { todo })
}
