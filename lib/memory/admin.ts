import { MillraceError } from '../core/errors.js'
import { PositionMap, type Offset, type Positions, type TopicPartition } from '../core/record.js'
import type {
  CommittedOffset,
  GroupInfo,
  GroupMember,
  Isolation,
  LogAdmin,
  NewTopic,
  OpenTransaction,
  Standstill,
  TopicInfo,
} from '../log/port.js'
import type { Broker } from './broker/broker.js'
import { offsetAt } from './storage/offset-at.js'
import type { PartitionLog } from './storage/partition-log.js'

export class MemoryAdmin implements LogAdmin {
  readonly #broker: Broker

  constructor(broker: Broker) {
    this.#broker = broker
  }

  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    return this.#broker.answer(() => new Map(topics.map((name) => [name, this.#broker.topics.get(name)?.info])))
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#broker.answer(() => this.#broker.topics.names().filter((name) => name.startsWith(prefix)))
  }

  create(topics: readonly NewTopic[]): Promise<void> {
    return this.#broker.answer(() => {
      for (const topic of topics) this.#broker.topics.create(topic)
    })
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.#broker.answer(() => {
      for (const topic of topics) this.#broker.deleteTopic(topic)
    })
  }

  endOffsets(partitions: readonly TopicPartition[], isolation: Isolation): Promise<Positions> {
    return this.#offsets(partitions, (log) => (isolation === 'all' ? log.endOffset : log.stableOffset))
  }

  startOffsets(partitions: readonly TopicPartition[]): Promise<Positions> {
    return this.#offsets(partitions, (log) => log.startOffset)
  }

  async offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<Positions> {
    await this.#broker.clock.breathe()
    const offsets = new PositionMap()
    for (const at of partitions) {
      const offset = await offsetAt(this.#broker.topics.partition(at), timestampMs)
      if (offset !== undefined) offsets.set(at.topic, at.partition, offset)
    }
    return offsets.topics
  }

  async stableCommitted(group: string, partitions: readonly TopicPartition[]): Promise<Positions> {
    const committed = await this.groupOffsets(group, partitions, 'stable')
    return PositionMap.of(committed.map(({ topic, partition, offset }) => [topic, partition, offset] as const)).topics
  }

  async groupOffsets(
    group: string,
    partitions: readonly TopicPartition[] | 'all',
    which: 'stable' | 'any',
  ): Promise<readonly CommittedOffset[]> {
    await this.#broker.clock.breathe()
    if (which === 'stable') await this.#broker.offsets.stable(group, partitions)
    return this.#broker.offsets.committed(group, partitions)
  }

  forgetOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.#broker.answer(() => {
      if (partitions.length === 0) return
      this.#broker.groups.demandEmpty(group)
      this.#broker.offsets.forget(group, partitions)
    })
  }

  trim(before: Positions): Promise<void> {
    return this.#broker.answer(() => {
      for (const [topic, partitions] of before) {
        if (!this.#broker.topics.config(topic, 'cleanup.policy').includes('delete')) {
          throw new MillraceError(
            'BROKER_REFUSED',
            `${topic}: only topics whose cleanup.policy includes 'delete' can be trimmed.`,
            { topic },
          )
        }
        for (const [partition, offset] of partitions) this.#broker.topics.partition({ topic, partition }).trim(offset)
      }
    })
  }

  fence(prefix: string, alive: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#broker.answer(() => {
      const { transactions } = this.#broker
      const dead = transactions.open(prefix).filter((id) => !alive.has(id))
      for (const id of dead) transactions.init(id)
      return dead
    })
  }

  openTransactions(held: readonly Standstill[]): Promise<readonly OpenTransaction[]> {
    return this.#broker.answer(() =>
      held.flatMap((at) => {
        const open = this.#broker.transactions.holding(this.#broker.topics.partition(at))
        return open !== undefined && open.startOffset <= at.offset ? [open] : []
      }),
    )
  }

  describeGroup(group: string): Promise<GroupInfo> {
    return this.#broker.answer(() => this.#broker.groups.info(group, this.#broker.offsets.has(group)))
  }

  removeMember(group: string, { id }: Pick<GroupMember, 'id'>): Promise<boolean> {
    return this.#broker.answer(() => this.#broker.groups.expel(group, id))
  }

  #offsets(partitions: readonly TopicPartition[], offsetOf: (log: PartitionLog) => Offset): Promise<Positions> {
    return this.#broker.answer(() => {
      const offsets = new PositionMap()
      for (const at of partitions) offsets.set(at.topic, at.partition, offsetOf(this.#broker.topics.partition(at)))
      return offsets.topics
    })
  }
}
