import type { Channel } from '../connection/channel.js'
import { Code, isRetriable } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { TryAgain } from '../connection/insist.js'
import { initProducer } from './producer-identity.js'
import { listTransactions } from '../protocol/open-transactions.js'
import { noIdentity } from '../protocol/transaction.js'

/** Of the identity that fences; nothing is ever written under it. */
const fencingTimeoutMs = 10_000

/**
 * Takes over the transactional ids that start with `prefix`, have a transaction open and are not alive, which aborts it:
 * 14 to 29 ms on one broker, where waiting for its time-out takes 4 to 20 s (KIP-664). Needs DESCRIBE and
 * WRITE on the ids.
 */
export async function fenceDead(
  channel: Channel,
  prefix: string,
  alive: ReadonlySet<string>,
): Promise<readonly string[]> {
  const open = await channel.insist('ListTransactions', async () => {
    await channel.refresh()
    const asked = [...channel.map.nodes.keys()].map((node) => openTransactions(channel, node))
    return (await Promise.all(asked)).flat()
  })
  const dead = [...new Set(open)].filter((id) => id.startsWith(prefix) && !alive.has(id))
  await Promise.all(dead.map((id) => initProducer(channel, id, fencingTimeoutMs, noIdentity)))
  return dead
}

async function openTransactions(channel: Channel, node: number): Promise<readonly string[]> {
  const { errorCode, transactions } = await channel.request(node, listTransactions, { states: ['Ongoing'] })
  if (errorCode === Code.none) return transactions.map(({ id }) => id)
  if (isRetriable(errorCode)) throw TryAgain.because(errorCode)
  throw refused('ListTransactions', errorCode, {}, { todo: 'Look at the brokers' })
}
