import type { TopicPartition } from '../../core/record.js'
import type { Assignment, MemberTold } from '../../log/port.js'
import { readByTopic, writeByTopic } from '../protocol/api.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'

/**
 * What members and leader exchange inside JoinGroup and SyncGroup, in the format of the 'consumer' protocol, version 1, so
 * that standard tools show the group. Source: ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json of
 * Apache Kafka.
 */
const formatVersion = 1

/**
 * `round` stands before what the member tells: brokers start a new round for a follower only when its metadata changed,
 * so a member that asks for one raises it.
 */
export function encodeSubscription(topics: readonly string[], told: Uint8Array, round: number): Buffer {
  const userData = new Writer(false, told.length + 4).int32(round).raw(told).finish()
  const writer = new Writer(false).int16(formatVersion)
  writer.array(topics, (topic) => writer.string(topic))
  return writer.bytes(userData).int32(0).finish() // no owned partitions: the assignor is told what it needs
}

export function decodeTold(memberId: string, metadata: Buffer): MemberTold {
  const reader = new Reader(metadata, false)
  reader.int16()
  reader.array(() => reader.string())
  return { id: memberId, told: reader.bytes().subarray(4) }
}

export function encodeAssignment({ partitions, told }: Assignment): Buffer {
  const writer = new Writer(false).int16(formatVersion)
  writeByTopic(writer, partitions, ({ partition }) => writer.int32(partition))
  return writer.bytes(told).finish()
}

/** No bytes at all mean that the leader assigned nothing to this member. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { partitions: [], told: new Uint8Array(0) }
  const reader = new Reader(bytes, false)
  reader.int16()
  const partitions = readByTopic(reader, (topic): TopicPartition => ({ topic, partition: reader.int32() }))
  return { partitions, told: reader.bytes() }
}
