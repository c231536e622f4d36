/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** All partitions of a topic that has `count` of them. */
export function allPartitions(topic: string, count: number): readonly TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}

/** Exact in a double below 2^53; `bigint` only in the public `RecordInfo`. */
export type Offset = number

/** Offsets by topic and partition. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, Offset>>

/** Header values are bytes; Kafka allows null. */
export type Headers = ReadonlyMap<string, Uint8Array | null>

/**
 * Where a record came from, and its metadata. Valid during the call that received it; that of an asynchronous turn, until the turn
 * has ended and after.
 */
export interface RecordInfo {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch: event time. */
  readonly timestamp: number
  readonly key: string | null
  readonly headers: Headers
}

/** A record whose reader uses the same object for the next one, unless it has been told to leave it to somebody. */
export interface ReusedRecord extends RecordInfo {
  /** It stays what it is: `own` is the same record, valid for ever. */
  keep(own: RecordInfo): void
}

export const isReused = (record: RecordInfo): record is ReusedRecord =>
  (record as Partial<ReusedRecord>).keep !== undefined

/** Positions that can be written to. */
export class PositionMap {
  readonly topics = new Map<string, Map<number, Offset>>()

  static of(entries: Iterable<readonly [topic: string, partition: number, offset: Offset]>): PositionMap {
    const positions = new PositionMap()
    for (const [topic, partition, offset] of entries) positions.set(topic, partition, offset)
    return positions
  }

  set(topic: string, partition: number, offset: Offset): void {
    let partitions = this.topics.get(topic)
    if (partitions === undefined) this.topics.set(topic, (partitions = new Map()))
    partitions.set(partition, offset)
  }

  get size(): number {
    let size = 0
    for (const partitions of this.topics.values()) size += partitions.size
    return size
  }
}

/** The offset of one partition, or undefined when nothing is known about it. */
export function offsetOf(positions: Positions, topic: string, partition: number): Offset | undefined {
  return positions.get(topic)?.get(partition)
}

/** Copies that stay valid, of values too. */
export function copiedHeaders(headers: Headers): Headers {
  const copies = new Map<string, Uint8Array | null>()
  for (const [name, value] of headers) copies.set(name, value === null ? null : Uint8Array.from(value))
  return copies
}
