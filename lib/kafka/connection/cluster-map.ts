import type { TopicPartition } from '../../core/record.js'
import { Code, isRetriable } from './error-codes.js'
import { refused } from './refusal.js'
import { TryAgain } from './insist.js'
import type { Address } from './options.js'
import { isId, type MetadataResponse } from '../protocol/metadata.js'

interface KnownTopic {
  readonly errorCode: number
  readonly id: string | undefined
  readonly leaders: ReadonlyMap<number, number>
}

/** What is known about the cluster: where its brokers are, who leads which partition. Kept up to date by `Channel`. */
export class ClusterMap {
  /** Topics whose leaders somebody asked for. */
  readonly wanted = new Set<string>()
  #nodes = new Map<number, Address>()
  readonly #topics = new Map<string, KnownTopic>()

  get nodes(): ReadonlyMap<number, Address> {
    return this.#nodes
  }

  learn({ brokers, topics }: MetadataResponse): void {
    this.#nodes = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const { name, errorCode, id, partitions } of topics) {
      const leaders = new Map(partitions.filter(({ leader }) => leader >= 0).map((p) => [p.partition, p.leader]))
      this.#topics.set(name, { errorCode, id: isId(id) ? id : undefined, leaders })
    }
  }

  /** Undefined while not known, and where brokers have none. */
  idOf(topic: string): string | undefined {
    return this.#topics.get(topic)?.id
  }

  /** The node that leads a partition; undefined while not known. */
  leader({ topic, partition }: TopicPartition): number | undefined {
    this.wanted.add(topic)
    return this.#topics.get(topic)?.leaders.get(partition)
  }

  /** Throws `TryAgain` while there is no leader, and `NOT_AUTHORIZED` when we may not know. */
  requireLeader(at: TopicPartition): number {
    const leader = this.leader(at)
    if (leader !== undefined) return leader
    const errorCode = this.#topics.get(at.topic)?.errorCode ?? Code.leaderNotAvailable
    if (errorCode === Code.none) {
      // A known topic without this partition: it may be one that was added a moment ago.
      throw new TryAgain(`${at.topic}[${at.partition}] has no leader`, { missing: this.#hasNone(at) ? at : undefined })
    }
    if (isRetriable(errorCode)) throw TryAgain.because(errorCode, at)
    const { topic, partition } = at
    const facts = { todo: 'Look at the brokers', topic, partition }
    throw refused(`Metadata of ${topic}`, errorCode, { topic: [topic, 'Describe'] }, facts)
  }

  forgetLeader({ topic }: TopicPartition): void {
    this.#topics.delete(topic)
  }

  #hasNone({ topic, partition }: TopicPartition): boolean {
    const leaders = this.#topics.get(topic)?.leaders
    return leaders !== undefined && leaders.size > 0 && !leaders.has(partition)
  }
}
