import type { TopicPartition } from '../../core/record.js'
import type { Generation } from '../../log/port.js'
import { type Api, neverFlexible, readByTopic, writeByTopic } from './api.js'
import type { InTransaction, PartitionResult } from './transaction.js'

export interface CommittedPosition extends TopicPartition {
  readonly offset: number
  /** What the protocol calls metadata. */
  readonly note?: string
}

/**
 * The generation must be a real one: with -1 and no member id, brokers accept the offsets of anybody, which would undo
 * the fencing of KIP-447. Source: https://kafka.apache.org/protocol.html#The_Messages_TxnOffsetCommit
 */
export const txnOffsetCommit: Api<
  InTransaction & { readonly generation: Generation; readonly positions: readonly CommittedPosition[] },
  readonly PartitionResult[]
> = {
  key: 28,
  name: 'TxnOffsetCommit',
  lowest: 3,
  highest: 3,
  flexibleFrom: 3,
  encode(writer, request) {
    requireRealGeneration(request.generation)
    const { group, generationId, memberId, instanceId } = request.generation
    writer.string(request.transactionalId).string(group)
    writer.int64(request.producerId).int16(request.producerEpoch)
    writer
      .int32(generationId)
      .string(memberId)
      .string(instanceId ?? null)
    writeByTopic(writer, request.positions, ({ partition, offset, note = '' }) => {
      writer.int32(partition).int64(offset).int32(-1).string(note).end() // any leader epoch
    })
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

/** Source: https://kafka.apache.org/protocol.html#The_Messages_OffsetCommit */
export const offsetCommit: Api<
  { readonly generation: Generation; readonly positions: readonly CommittedPosition[] },
  readonly PartitionResult[]
> = {
  key: 8,
  name: 'OffsetCommit',
  lowest: 7,
  highest: 8,
  flexibleFrom: 8,
  encode(writer, { generation, positions }) {
    requireRealGeneration(generation)
    writer.string(generation.group).int32(generation.generationId).string(generation.memberId)
    writer.string(generation.instanceId ?? null)
    writeByTopic(writer, positions, ({ partition, offset, note = '' }) => {
      writer.int32(partition).int64(offset).int32(-1).string(note).end()
    })
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

function requireRealGeneration({ group, generationId, memberId, withoutMembers }: Generation): void {
  if (withoutMembers === true || (generationId >= 0 && memberId !== '')) return
  throw new RangeError(`Offsets of group ${group} without a generation and a member id would not be fenced.`)
}

export interface OffsetFetchResponse {
  /** Coordinator errors stand here alone: the list is empty then. Look at it first. */
  readonly errorCode: number
  readonly partitions: readonly (Required<CommittedPosition> & PartitionResult)[]
}

/** `requireStable`: KIP-447; `partitions: null` asks for all that the group has. Source: https://kafka.apache.org/protocol.html#The_Messages_OffsetFetch */
export const offsetFetch: Api<
  { readonly group: string; readonly partitions: readonly TopicPartition[] | null; readonly requireStable: boolean },
  OffsetFetchResponse
> = {
  key: 9,
  name: 'OffsetFetch',
  lowest: 7,
  highest: 7,
  flexibleFrom: 6,
  encode(writer, { group, partitions, requireStable }) {
    writer.string(group)
    if (partitions === null) writer.array(null, () => undefined)
    else writeByTopic(writer, partitions, ({ partition }) => writer.int32(partition))
    writer.boolean(requireStable).end()
  },
  decode(reader) {
    reader.throttle()
    const partitions = readByTopic(reader, (topic) => {
      const partition = reader.int32()
      const offset = reader.int64()
      reader.int32() // committed_leader_epoch
      const note = reader.nullableString() ?? ''
      const errorCode = reader.int16()
      reader.end()
      return { topic, partition, offset, note, errorCode }
    })
    return { errorCode: reader.int16(), partitions }
  },
}

/** The coordinator answers for the whole group, or for each partition. Source: https://kafka.apache.org/protocol.html#The_Messages_OffsetDelete */
export const offsetDelete: Api<
  { readonly group: string; readonly partitions: readonly TopicPartition[] },
  { readonly errorCode: number; readonly partitions: readonly PartitionResult[] }
> = {
  key: 47,
  name: 'OffsetDelete',
  lowest: 0,
  highest: 0,
  flexibleFrom: neverFlexible,
  encode(writer, { group, partitions }) {
    writer.string(group)
    writeByTopic(writer, partitions, ({ partition }) => writer.int32(partition))
  },
  decode(reader) {
    const errorCode = reader.int16()
    reader.throttle()
    const partitions = readByTopic(reader, (topic) => ({
      topic,
      partition: reader.int32(),
      errorCode: reader.int16(),
    }))
    return { errorCode, partitions }
  },
}

/** DeleteRecords. Source: https://kafka.apache.org/protocol.html#The_Messages_DeleteRecords */
export const deleteRecords: Api<
  { readonly before: readonly CommittedPosition[]; readonly timeoutMs: number },
  readonly PartitionResult[]
> = {
  key: 21,
  name: 'DeleteRecords',
  lowest: 1,
  highest: 2,
  flexibleFrom: 2,
  encode(writer, { before, timeoutMs }) {
    writeByTopic(writer, before, ({ partition, offset }) => writer.int32(partition).int64(offset).end())
    writer.int32(timeoutMs).end()
  },
  decode(reader) {
    reader.throttle()
    return readByTopic(reader, (topic) => {
      const partition = reader.int32()
      reader.int64() // low_watermark
      const errorCode = reader.int16()
      reader.end()
      return { topic, partition, errorCode }
    })
  },
}
