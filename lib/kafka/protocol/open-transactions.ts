import type { TopicPartition } from '../../core/record.js'
import { type Api, readByTopic, writeByTopic } from './api.js'
import type { PartitionResult, ProducerIdentity } from './transaction.js'

/** Who writes to a partition, and whether within a transaction. */
export interface ActiveProducer extends ProducerIdentity {
  /** Milliseconds since the epoch: of the last record that it wrote to the partition. */
  readonly lastTimestamp: number
  /** First offset of its open transaction in the partition; -1 when it has none. */
  readonly transactionStart: number
}

/** Asked of the leader; needs READ on the topic. Source: https://kafka.apache.org/protocol.html#The_Messages_DescribeProducers (KIP-664) */
export const describeProducers: Api<
  { readonly partitions: readonly TopicPartition[] },
  readonly (PartitionResult & { readonly producers: readonly ActiveProducer[] })[]
> = {
  key: 61,
  name: 'DescribeProducers',
  lowest: 0,
  highest: 0,
  flexibleFrom: 0,
  encode(writer, { partitions }) {
    writeByTopic(writer, partitions, ({ partition }) => writer.int32(partition))
    writer.end()
  },
  decode(reader) {
    reader.throttle()
    return readByTopic(reader, (topic) => {
      const partition = reader.int32()
      const errorCode = reader.int16()
      reader.nullableString() // error_message
      const producers = reader.array(() => {
        const producerId = reader.bigint64()
        const producerEpoch = reader.int32()
        reader.int32() // last_sequence
        const lastTimestamp = reader.int64()
        reader.int32() // coordinator_epoch
        const transactionStart = reader.int64()
        reader.end()
        return { producerId, producerEpoch, lastTimestamp, transactionStart }
      })
      reader.end()
      return { topic, partition, errorCode, producers }
    })
  },
}

export interface ListedTransaction {
  readonly id: string
  readonly producerId: bigint
}

/**
 * Those a broker coordinates and that the user may see (DESCRIBE on the ids); an empty list asks for all states, or all
 * producers. Source: https://kafka.apache.org/protocol.html#The_Messages_ListTransactions (KIP-664)
 */
export const listTransactions: Api<
  { readonly states: readonly string[]; readonly producerIds?: readonly bigint[] },
  { readonly errorCode: number; readonly transactions: readonly ListedTransaction[] }
> = {
  key: 66,
  name: 'ListTransactions',
  lowest: 0,
  highest: 1,
  flexibleFrom: 0,
  encode(writer, { states, producerIds = [] }, version) {
    writer.array(states, (state) => writer.string(state))
    writer.array(producerIds, (id) => writer.int64(id))
    if (version >= 1) writer.int64(-1) // duration_filter
    writer.end()
  },
  decode(reader) {
    reader.throttle()
    const errorCode = reader.int16()
    reader.array(() => reader.string()) // unknown_state_filters
    const transactions = reader.array(() => {
      const id = reader.string()
      const producerId = reader.bigint64()
      reader.string() // transaction_state
      reader.end()
      return { id, producerId }
    })
    return { errorCode, transactions }
  },
}

export interface DescribedTransaction {
  readonly errorCode: number
  readonly producerId: bigint
  readonly timeoutMs: number
  /** Milliseconds since the epoch; -1 when none is open. */
  readonly startedAt: number
}

/**
 * One, asked of its coordinator. Needs DESCRIBE on the id. Undefined when the answer does not speak of it.
 * Source: https://kafka.apache.org/protocol.html#The_Messages_DescribeTransactions (KIP-664)
 */
export const describeTransaction: Api<{ readonly id: string }, DescribedTransaction | undefined> = {
  key: 65,
  name: 'DescribeTransactions',
  lowest: 0,
  highest: 0,
  flexibleFrom: 0,
  encode(writer, { id }) {
    writer.array([id], (each) => writer.string(each)).end()
  },
  decode(reader) {
    reader.throttle()
    const [first] = reader.array((): DescribedTransaction => {
      const errorCode = reader.int16()
      reader.string() // transactional_id
      reader.string() // transaction_state
      const timeoutMs = reader.int32()
      const startedAt = reader.int64()
      const producerId = reader.bigint64()
      reader.int16() // producer_epoch
      readByTopic(reader, () => reader.int32())
      reader.end()
      return { errorCode, producerId, timeoutMs, startedAt }
    })
    return first
  },
}
