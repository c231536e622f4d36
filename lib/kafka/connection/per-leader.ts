import type { Positions, TopicPartition } from '../../core/record.js'
import { PositionMap } from '../../core/record.js'
import type { Isolation } from '../../log/port.js'
import type { Channel } from './channel.js'
import { Code, isRetriable } from './error-codes.js'
import { refused } from './refusal.js'
import { TryAgain } from './insist.js'
import type { Api } from '../protocol/api.js'
import { listOffsets, type LogEnd } from '../protocol/list-offsets.js'
import type { PartitionResult } from '../protocol/transaction.js'

/**
 * Asks the leader of each partition, all leaders at once, and again those that had no definite answer. Resolves to one
 * result per partition, which may carry a definite error code.
 */
export async function perLeader<P extends TopicPartition, Q, R extends PartitionResult>(
  channel: Channel,
  api: Api<Q, readonly R[]>,
  partitions: readonly P[],
  request: (partitions: readonly P[]) => Q,
): Promise<R[]> {
  const results: R[] = []
  let left = partitions
  await channel.insist(api.name, async () => {
    const leaders = new Map<number, P[]>()
    for (const at of left) {
      const leader = await channel.leader(at)
      leaders.set(leader, [...(leaders.get(leader) ?? []), at])
    }
    const asked = [...leaders].map(async ([node, own]) => await channel.request(node, api, request(own)))
    const answers = await Promise.allSettled(asked)
    const answered = new Map<string, R>()
    for (const answer of answers) {
      for (const result of answer.status === 'fulfilled' ? answer.value : []) answered.set(keyOf(result), result)
    }
    const definite = (at: P): boolean => {
      const result = answered.get(keyOf(at))
      return result !== undefined && !isRetriable(result.errorCode)
    }
    for (const at of left) if (definite(at)) results.push(answered.get(keyOf(at))!)
    left = left.filter((at) => !definite(at))
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    const [first] = left
    if (first === undefined) return
    for (const at of left) channel.map.forgetLeader(at)
    throw TryAgain.because(answered.get(keyOf(first))?.errorCode ?? Code.leaderNotAvailable, first)
  })
  return results
}

/** ListOffsets: start or end of partitions, or the first offset of a timestamp or a later one; absent where there is none. */
export async function logEnds(
  channel: Channel,
  partitions: readonly TopicPartition[],
  which: LogEnd | number,
  isolation: Isolation,
): Promise<Positions> {
  const results = await perLeader(channel, listOffsets, partitions, (own) => ({ isolation, which, partitions: own }))
  const positions = new PositionMap()
  for (const { topic, partition, offset, errorCode } of results) {
    if (errorCode !== Code.none) {
      const facts = { todo: 'Look at the broker that leads it', topic, partition }
      const what = typeof which === 'number' ? 'offset at a time' : which
      throw refused(`The ${what} of ${topic}[${partition}]`, errorCode, { topic: [topic, 'Describe'] }, facts)
    }
    if (offset >= 0) positions.set(topic, partition, offset)
  }
  return positions.topics
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`
