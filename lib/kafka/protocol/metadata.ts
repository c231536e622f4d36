import { type Api, neverFlexible } from './api.js'

export interface MetadataResponse {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
}

export interface TopicMetadata {
  readonly errorCode: number
  readonly name: string
  /** KIP-516; empty below version 10. */
  readonly id: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface PartitionMetadata {
  readonly errorCode: number
  readonly partition: number
  /** -1 when there is none at the moment. */
  readonly leader: number
}

/** `topics: null` asks for all. Source: https://kafka.apache.org/protocol.html#The_Messages_Metadata */
export const metadata: Api<{ readonly topics: readonly string[] | null }, MetadataResponse> = {
  key: 3,
  name: 'Metadata',
  lowest: 9,
  highest: 12,
  flexibleFrom: 9,
  encode(writer, { topics }, version) {
    writer.array(topics, (topic) => {
      if (version >= 10) writer.raw(noTopicId)
      writer.string(topic).end()
    })
    writer.boolean(false) // never create a topic by asking for it
    if (version <= 10) writer.boolean(false) // include_cluster_authorized_operations
    writer.boolean(false).end() // include_topic_authorized_operations
  },
  decode(reader, version) {
    reader.throttle()
    const brokers = reader.array(() => {
      const broker = { nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
      reader.nullableString() // rack
      reader.end()
      return broker
    })
    reader.nullableString() // cluster_id
    const controllerId = reader.int32()
    const topics = reader.array(() => {
      const errorCode = reader.int16()
      const name = reader.string()
      const id = version >= 10 ? reader.uuid() : ''
      reader.boolean() // is_internal
      const partitions = reader.array(() => {
        const partition = { errorCode: reader.int16(), partition: reader.int32(), leader: reader.int32() }
        reader.int32() // leader_epoch
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32()) // replicas, in sync, offline
        reader.end()
        return partition
      })
      reader.int32() // topic_authorized_operations
      reader.end()
      return { errorCode, name, id, partitions }
    })
    return { brokers, controllerId, topics }
  },
}

/** Brokers without ids, as before Kafka 2.8, give none or zeros. */
export const isId = (id: string | undefined): id is string => id !== undefined && /[^0]/.test(id)

const noTopicId = new Uint8Array(16)

export type CoordinatorKind = 'group' | 'transaction'

export interface CoordinatorResponse {
  readonly errorCode: number
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_FindCoordinator */
export const findCoordinator: Api<{ readonly key: string; readonly kind: CoordinatorKind }, CoordinatorResponse> = {
  key: 10,
  name: 'FindCoordinator',
  lowest: 2,
  highest: 2,
  flexibleFrom: neverFlexible,
  encode(writer, { key, kind }) {
    writer.string(key).int8(kind === 'group' ? 0 : 1)
  },
  decode(reader) {
    reader.throttle()
    const errorCode = reader.int16()
    reader.nullableString() // error_message
    return { errorCode, nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
  },
}
