import type { Headers, TopicPartition } from '../../core/record.js'
import { batchBuilder } from '../../log/batch-builder.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { BatchBuilder, FinishedBatch } from '../../log/port.js'

/** A batch and where it goes. */
export interface OutgoingBatch extends TopicPartition {
  readonly batch: FinishedBatch
}

/** Brokers refuse batches over `max.message.bytes`, 1 MiB by default; a batch is closed with room to spare. */
const batchLimit = 900_000

/** A record for a topic whose partitions are not known yet. */
interface Waiting {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers | HeaderSection | undefined
}

/**
 * What one commit will append, as record batches under construction: a value is encoded straight into the batch of its
 * partition, and nothing is kept per record.
 */
export class Outbox {
  readonly #topics = new Map<string, OutgoingTopic>()
  readonly #waiting = new Map<string, Waiting[]>()
  #finishedBytes = 0
  #finished: OutgoingBatch[] = []

  /** To a partition that is known. */
  add(
    topic: string,
    partition: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
  ): void {
    const builder = this.#topic(topic).builder(partition)
    builder.add(key, value, timestamp, headers)
    if (builder.size < batchLimit) return
    this.#finishedBytes += builder.size
    this.#finished.push({ topic, partition, batch: builder.finish() })
  }

  /** By key; a topic whose partitions are not known yet is looked up when the commit is sealed. */
  route(
    topic: string,
    partitions: number | undefined,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
  ): void {
    if (partitions !== undefined) {
      const partition = key === null ? this.#topic(topic).nextKeyless(partitions) : partitionOfKey(key, partitions)
      return this.add(topic, partition, key, value, timestamp, headers)
    }
    const waiting = this.#waiting.get(topic)
    const record = { key, value, timestamp, headers }
    if (waiting === undefined) this.#waiting.set(topic, [record])
    else waiting.push(record)
  }

  /** Topics that must be looked up before `finish`. */
  get unknownTopics(): readonly string[] {
    return [...this.#waiting.keys()]
  }

  settle(topic: string, partitions: number): void {
    const waiting = this.#waiting.get(topic) ?? []
    this.#waiting.delete(topic)
    for (const { key, value, timestamp, headers } of waiting)
      this.route(topic, partitions, key, value, timestamp, headers)
  }

  /** Bytes of finished batches; those under construction are at most one limit each. */
  get bytes(): number {
    return this.#finishedBytes
  }

  get empty(): boolean {
    return (
      this.#finished.length === 0 &&
      this.#waiting.size === 0 &&
      [...this.#topics.values()].every((topic) => topic.empty)
    )
  }

  /** All batches, in order per partition; the outbox is empty afterwards. */
  finish(): readonly OutgoingBatch[] {
    const batches = this.#finished
    this.#finished = []
    this.#finishedBytes = 0
    for (const [topic, outgoing] of this.#topics) {
      for (const [partition, batch] of outgoing.finish()) batches.push({ topic, partition, batch })
    }
    return batches
  }

  /** Forgets everything, what waits for a topic included. */
  discard(): void {
    this.#waiting.clear()
    this.finish()
  }

  #topic(name: string): OutgoingTopic {
    let topic = this.#topics.get(name)
    if (topic === undefined) this.#topics.set(name, (topic = new OutgoingTopic()))
    return topic
  }
}

class OutgoingTopic {
  readonly #builders: (BatchBuilder | undefined)[] = []
  #keyless = 0

  builder(partition: number): BatchBuilder {
    return (this.#builders[partition] ??= batchBuilder())
  }

  /** Keyless records of one commit share a partition, so that they share a batch; the next commit takes the next one. */
  nextKeyless(partitions: number): number {
    return this.#keyless % partitions
  }

  get empty(): boolean {
    return this.#builders.every((builder) => builder === undefined || builder.count === 0)
  }

  *finish(): Iterable<readonly [partition: number, batch: FinishedBatch]> {
    this.#keyless++
    for (const [partition, builder] of this.#builders.entries()) {
      if (builder !== undefined && builder.count > 0) yield [partition, builder.finish()]
    }
  }
}
