import type { Clock } from '../../core/clock.js'
import type { Offset } from '../../core/record.js'
import type { FinishedBatch } from '../../log/port.js'
import { stampAppendTime } from '../../log/format/stamp.js'
import { demandAppendable } from '../storage/appending.js'
import type { BatchStamps } from './batch-stamps.js'
import { Compactor } from '../storage/compactor.js'
import { GroupOffsets } from './group-offsets.js'
import { Groups } from './groups.js'
import type { PartitionLog } from '../storage/partition-log.js'
import { Topics } from '../storage/topics.js'
import { Transactions } from './transactions.js'

/** What all clients of one embedded log share: the broker they would connect to. */
export class Broker {
  readonly clock: Clock
  readonly topics: Topics
  readonly offsets = new GroupOffsets()
  readonly groups = new Groups()
  readonly transactions: Transactions
  readonly compactor: Compactor

  constructor(defaultPartitions: number, clock: Clock) {
    this.clock = clock
    this.topics = new Topics(defaultPartitions)
    this.transactions = new Transactions(this.offsets, clock)
    this.compactor = new Compactor(this.topics, clock)
  }

  /**
   * Acts at once and answers a turn of the event loop later, as a broker would at the earliest: who awaits one call after
   * the other does not starve timers and I/O, and no caller comes to rely on an answer within its own stack.
   */
  async answer<T>(act: () => T): Promise<T> {
    try {
      return act()
    } finally {
      await this.clock.breathe()
    }
  }

  /** With what groups have committed for it. One that does not exist is none to delete. */
  deleteTopic(topic: string): void {
    if (this.topics.get(topic) === undefined) return
    this.topics.delete(topic)
    this.offsets.forgetTopic(topic)
  }

  append(log: PartitionLog, batch: FinishedBatch, stamps: BatchStamps): Offset {
    const rules = this.topics.rules(log.topic)
    const now = this.clock.now()
    demandAppendable(log, batch, rules, now)
    if (rules.appendTime) stampAppendTime(batch.bytes, now)
    stamps.stamp(log, batch)
    const baseOffset = log.append(batch.bytes, stamps.transactional ? stamps.producer.producerId : undefined)
    this.compactor.consider(log)
    return baseOffset
  }
}
