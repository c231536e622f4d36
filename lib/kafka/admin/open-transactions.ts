import { MillraceError } from '../../core/errors.js'
import { offsetOf } from '../../core/record.js'
import type { OpenTransaction, OpenTransactionProducer, Standstill } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code } from '../connection/error-codes.js'
import { logEnds, perLeader } from '../connection/per-leader.js'
import {
  type ActiveProducer,
  type DescribedTransaction,
  describeProducers,
  describeTransaction,
  listTransactions,
} from '../protocol/open-transactions.js'

/** A transaction in a partition, before its coordinator has been asked; without a producer where the leader does not say. */
interface Found extends Standstill {
  readonly holder: ActiveProducer | undefined
}

/** See `LogAdmin`. The leaders name producers, the coordinators their transactional ids (KIP-664). */
export async function openTransactions(
  channel: Channel,
  held: readonly Standstill[],
): Promise<readonly OpenTransaction[]> {
  const found = await holders(channel, held)
  const producerIds = [...new Set(found.flatMap(({ holder }) => (holder === undefined ? [] : [holder.producerId])))]
  const known = await transactionsOf(channel, producerIds)
  return found.map(({ topic, partition, offset, holder }) => {
    if (holder === undefined) return { topic, partition, startOffset: offset }
    const { producerId, producerEpoch, lastTimestamp, transactionStart: startOffset } = holder
    const producer = { producerId, producerEpoch, lastTimestamp, ...known.get(producerId) }
    return { topic, partition, startOffset, producer }
  })
}

async function holders(channel: Channel, held: readonly Standstill[]): Promise<readonly Found[]> {
  const answers = await producersIn(channel, held)
  const found: Found[] = []
  const unknown: Standstill[] = []
  for (const at of held) {
    const answer = answers.find(({ topic, partition }) => topic === at.topic && partition === at.partition)
    if (answer === undefined || answer.errorCode !== Code.none) unknown.push(at)
    else {
      const holder = oldestOpen(answer.producers)
      if (holder !== undefined && holder.transactionStart <= at.offset) found.push({ ...at, holder })
    }
  }
  return [...found, ...(await stillHeld(channel, unknown))]
}

async function producersIn(channel: Channel, held: readonly Standstill[]) {
  try {
    return await perLeader(channel, describeProducers, held, (partitions) => ({ partitions }))
  } catch (error) {
    if (MillraceError.is(error, 'CLIENT_UNSUPPORTED')) return []
    throw error
  }
}

function oldestOpen(producers: readonly ActiveProducer[]): ActiveProducer | undefined {
  const open = producers.filter(({ transactionStart }) => transactionStart >= 0)
  return open.sort((a, b) => a.transactionStart - b.transactionStart)[0]
}

/** Those whose last stable offset is where the reader stands. */
async function stillHeld(channel: Channel, at: readonly Standstill[]): Promise<readonly Found[]> {
  if (at.length === 0) return []
  const [stable, ends] = await Promise.all(
    (['committed', 'all'] as const).map((isolation) => logEnds(channel, at, 'end', isolation)),
  )
  const isHeld = ({ topic, partition, offset }: Standstill): boolean =>
    offsetOf(stable!, topic, partition) === offset && (offsetOf(ends!, topic, partition) ?? 0) > offset
  return at.filter(isHeld).map((one) => ({ ...one, holder: undefined }))
}

type Known = Pick<OpenTransactionProducer, 'transactionalId' | 'began' | 'timeoutMs'>

/** What coordinators say of these producers; brokers leave out what the user may not see. */
async function transactionsOf(channel: Channel, producerIds: readonly bigint[]): Promise<ReadonlyMap<bigint, Known>> {
  const known = new Map<bigint, Known>()
  if (producerIds.length === 0) return known
  await channel.insist('brokers', () => channel.refresh())
  const asked = [...channel.map.nodes.keys()].map(async (node) => {
    return (await channel.request(node, listTransactions, { states: [], producerIds })).transactions
  })
  // A broker that does not answer now is asked the next time.
  for (const answer of await Promise.allSettled(asked))
    for (const { id, producerId } of answer.status === 'fulfilled' ? answer.value : [])
      known.set(producerId, { transactionalId: id, ...(await beginningOf(channel, id, producerId)) })
  return known
}

async function beginningOf(channel: Channel, id: string, producerId: bigint): Promise<Known> {
  const codeOf = (described: DescribedTransaction | undefined): number => described?.errorCode ?? Code.none
  try {
    const described = await channel.toCoordinator(['transaction', id], describeTransaction, { id }, codeOf)
    if (described?.errorCode !== Code.none || described.producerId !== producerId || described.startedAt < 0) return {}
    return { began: described.startedAt, timeoutMs: described.timeoutMs }
  } catch (error) {
    // It was seen a moment ago, and says less now: that is enough to go on with.
    if (MillraceError.is(error) && error.code !== 'APP_CLOSED') return {}
    throw error
  }
}
