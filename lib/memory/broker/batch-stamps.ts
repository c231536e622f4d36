import type { FinishedBatch } from '../../log/port.js'
import { stampBatch } from '../../log/format/stamp.js'
import type { PartitionLog } from '../storage/partition-log.js'
import type { Producer } from './transactions.js'

/** Stamps the batches of one producer, with a sequence per partition that wraps as Kafka's does. */
export class BatchStamps {
  readonly producer: Producer
  readonly transactional: boolean
  readonly #sequences = new Map<PartitionLog, number>()

  constructor(producer: Producer, transactional: boolean) {
    this.producer = producer
    this.transactional = transactional
  }

  stamp(log: PartitionLog, { bytes, records }: FinishedBatch): void {
    const baseSequence = this.#sequences.get(log) ?? 0
    const { producerId, epoch } = this.producer
    stampBatch(bytes, { producerId, producerEpoch: epoch, baseSequence, transactional: this.transactional })
    this.#sequences.set(log, (baseSequence + records) % 0x8000_0000)
  }
}
