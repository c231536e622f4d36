import type { Isolation } from '../../log/port.js'
import { type Api, readByTopic, writeByTopic } from './api.js'

export interface FetchRequest {
  readonly isolation: Isolation
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitions: readonly FetchPartition[]
}

export interface FetchPartition {
  readonly topic: string
  /** Undefined where brokers do not tell. */
  readonly topicId: string | undefined
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchResponse {
  readonly errorCode: number
  readonly byId: boolean
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchedPartition {
  /** Its id where the answer goes by ids. */
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly (readonly [producerId: bigint, firstOffset: number])[]
  /** A view of the response. */
  readonly bytes: Buffer
}

/**
 * By topic ids where they are known (KIP-516, from Kafka 3.1 on): a topic that was made anew under the same name is another.
 * Without fetch sessions (KIP-227), which would gain nothing here: the partitions change rarely and are few.
 * Source: https://kafka.apache.org/protocol.html#The_Messages_Fetch
 */
export const fetch: Api<FetchRequest, FetchResponse> = {
  key: 1,
  name: 'Fetch',
  lowest: 11,
  highest: 13,
  highestFor: ({ partitions }) => (partitions.every(({ topicId }) => topicId !== undefined) ? 13 : 12),
  flexibleFrom: 12,
  encode(writer, request, version) {
    writer.int32(-1).int32(request.maxWaitMs).int32(1).int32(request.maxBytes)
    writer.int8(request.isolation === 'committed' ? 1 : 0)
    writer.int32(0).int32(-1) // no session
    const writeTopic = (name: string, [first]: readonly FetchPartition[]): void =>
      void (version >= 13 ? writer.uuid(first?.topicId ?? '') : writer.string(name))
    const writePartition = (partition: FetchPartition): void => {
      writer.int32(partition.partition).int32(-1).int64(partition.offset) // -1: any leader epoch
      if (version >= 12) writer.int32(-1) // last_fetched_epoch
      writer.int64(-1).int32(partition.maxBytes).end() // -1: not a follower
    }
    writeByTopic(writer, request.partitions, writePartition, writeTopic)
    writer.array([], () => undefined) // forgotten_topics_data
    writer.string('').end() // rack_id
  },
  decode(reader, version) {
    reader.throttle()
    const errorCode = reader.int16()
    reader.int32() // session_id
    const byId = version >= 13
    const readTopic = (): string => (byId ? reader.uuid() : reader.string())
    const readPartition = (topic: string): FetchedPartition => {
      const partition = reader.int32()
      const code = reader.int16()
      const highWatermark = reader.int64()
      const lastStableOffset = reader.int64()
      reader.int64() // log_start_offset: -1 exactly when it would be needed, with OFFSET_OUT_OF_RANGE
      const aborted = reader.array(() => {
        const range = [reader.bigint64(), reader.int64()] as const
        reader.end()
        return range
      })
      reader.int32() // preferred_read_replica
      const bytes = reader.bytes()
      reader.end()
      return { topic, partition, errorCode: code, highWatermark, lastStableOffset, aborted, bytes }
    }
    return { errorCode, byId, partitions: readByTopic(reader, readPartition, readTopic) }
  },
}
