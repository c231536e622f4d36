import type { TopicPartition } from '../../core/record.js'
import { type Api, readByTopic, writeByTopic } from './api.js'

/** Who writes: given out by InitProducerId. A higher epoch of the same id fences the lower ones. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Nobody yet. */
export const noIdentity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }

export interface InitProducerIdRequest {
  /** null: an idempotent producer without transactions. */
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /** `noIdentity` takes the id over whoever holds it; one's own raises the epoch only if it is still current (KIP-360). */
  readonly current: ProducerIdentity
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_InitProducerId */
export const initProducerId: Api<InitProducerIdRequest, ProducerIdentity & { readonly errorCode: number }> = {
  key: 22,
  name: 'InitProducerId',
  lowest: 3,
  highest: 4,
  flexibleFrom: 2,
  encode(writer, request) {
    writer.string(request.transactionalId).int32(request.timeoutMs)
    writer.int64(request.current.producerId).int16(request.current.producerEpoch).end()
  },
  decode(reader) {
    reader.throttle()
    return { errorCode: reader.int16(), producerId: reader.bigint64(), producerEpoch: reader.int16() }
  },
}

/** Fields every request inside a transaction opens with. */
export interface InTransaction extends ProducerIdentity {
  readonly transactionalId: string
}

export interface PartitionResult extends TopicPartition {
  readonly errorCode: number
}

/** All or none is added. Source: https://kafka.apache.org/protocol.html#The_Messages_AddPartitionsToTxn */
export const addPartitionsToTxn: Api<
  InTransaction & { readonly partitions: readonly TopicPartition[] },
  readonly PartitionResult[]
> = {
  key: 24,
  name: 'AddPartitionsToTxn',
  lowest: 3,
  highest: 3,
  flexibleFrom: 3,
  encode(writer, request) {
    writer.string(request.transactionalId).int64(request.producerId).int16(request.producerEpoch)
    writeByTopic(writer, request.partitions, ({ partition }) => writer.int32(partition))
    writer.end()
  },
  decode(reader) {
    reader.throttle()
    return readByTopic(reader, (topic) => {
      const result = { topic, partition: reader.int32(), errorCode: reader.int16() }
      reader.end()
      return result
    })
  },
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_AddOffsetsToTxn */
export const addOffsetsToTxn: Api<InTransaction & { readonly group: string }, { readonly errorCode: number }> = {
  key: 25,
  name: 'AddOffsetsToTxn',
  lowest: 3,
  highest: 3,
  flexibleFrom: 3,
  encode(writer, request) {
    writer.string(request.transactionalId).int64(request.producerId).int16(request.producerEpoch)
    writer.string(request.group).end()
  },
  decode(reader) {
    reader.throttle()
    return { errorCode: reader.int16() }
  },
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_EndTxn */
export const endTxn: Api<InTransaction & { readonly commit: boolean }, { readonly errorCode: number }> = {
  key: 26,
  name: 'EndTxn',
  lowest: 3,
  highest: 3,
  flexibleFrom: 3,
  encode(writer, request) {
    writer.string(request.transactionalId).int64(request.producerId).int16(request.producerEpoch)
    writer.boolean(request.commit).end()
  },
  decode(reader) {
    reader.throttle()
    return { errorCode: reader.int16() }
  },
}
