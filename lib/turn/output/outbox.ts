import { MillraceError } from '../../core/errors.js'
import type { Headers, TopicPartition } from '../../core/record.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { batchLimit, type BatchRule, type BatchRules } from '../../log/batch-rules.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { misfit } from '../../log/record-size.js'
import { mistimed } from '../../log/record-time.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { BatchBuilder, FinishedBatch } from '../../log/port.js'

/** A batch and where it goes. */
export interface OutgoingBatch extends TopicPartition {
  readonly batch: FinishedBatch
}

/** A record for a topic whose partitions are not known yet. */
interface Waiting {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers | HeaderSection | undefined
}

/** What waits for a topic, and how many partitions that is to have when it is made. */
interface WaitingFor {
  readonly wanted: number | undefined
  readonly records: Waiting[]
}

/**
 * What one commit will append, as record batches under construction: a value is encoded straight into the batch of its
 * partition, and nothing is kept per record.
 */
export class Outbox {
  readonly #rules: BatchRules
  readonly #maxRecordBytes: number
  readonly #topics = new Map<string, OutgoingTopic>()
  readonly #waiting = new Map<string, WaitingFor>()
  #finishedBytes = 0
  #finished: OutgoingBatch[] = []

  /** `maxRecordBytes`: of key, value and headers, for what user code makes. */
  constructor(rules: BatchRules, maxRecordBytes: number) {
    this.#rules = rules
    this.#maxRecordBytes = maxRecordBytes
  }

  /** Bytes that a batch for a topic may have, as far as that is known. */
  maxBytesOf(topic: string): number {
    return this.#rules.of(topic).maxBytes
  }

  /**
   * Why a record cannot be sent, in words that follow `the record`: it is larger than its topic takes, as far as that is known,
   * or than `maxBytes`. Undefined when it can.
   */
  misfit(
    topic: string,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: Headers | HeaderSection | undefined,
    maxBytes = this.#maxRecordBytes,
  ): string | undefined {
    return misfit(this.#rules.of(topic), maxBytes, key, value, headers)
  }

  /** Throws `RECORD_TOO_LARGE` for a record that cannot be sent. `what` names who sends it, for the message: `turn.emit`. */
  demandFits(
    what: string,
    topic: string,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: Headers | undefined,
  ): void {
    const why = this.misfit(topic, key, value, headers)
    if (why === undefined) return
    const facts = typeof key === 'string' ? { topic, key } : { topic }
    throw new MillraceError('RECORD_TOO_LARGE', `${what} to ${topic}: the record ${why}`, facts)
  }

  /** To a partition that is known. */
  add(
    topic: string,
    partition: number,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
  ): void {
    const outgoing = this.#topic(topic)
    const builder = outgoing.builder(partition)
    const limit = batchLimit(outgoing.rule)
    if (!builder.add(key, value, timestamp, headers, limit)) {
      this.#close(topic, partition, builder)
      builder.add(key, value, timestamp, headers)
    }
    if (builder.size >= limit) this.#close(topic, partition, builder)
  }

  #close(topic: string, partition: number, builder: BatchBuilder): void {
    this.#finishedBytes += builder.size
    this.#finished.push({ topic, partition, batch: builder.finish() })
  }

  /** By key; a topic whose partitions are not known yet is looked up when the commit is sealed, or made with as many as are `wanted`. */
  route(
    topic: string,
    partitions: number | undefined,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
    wanted?: number,
  ): void {
    if (partitions !== undefined) {
      const partition = key === null ? this.#topic(topic).nextKeyless(partitions) : partitionOfKey(key, partitions)
      return this.add(topic, partition, key, value, timestamp, headers)
    }
    const waiting = this.#waiting.get(topic)
    const record = { key, value, timestamp, headers }
    if (waiting === undefined) this.#waiting.set(topic, { wanted, records: [record] })
    else waiting.records.push(record)
  }

  /** Topics that must be looked up before `finish`, each with the partitions that it is to have when it is made. */
  get unknownTopics(): readonly (readonly [topic: string, wanted: number | undefined])[] {
    return [...this.#waiting].map(([topic, { wanted }]) => [topic, wanted])
  }

  /** What waited for a topic. False when it takes less than one of these records needs: then the turn is to be run again, and to fail. */
  settle(topic: string, partitions: number, now: number): boolean {
    const waiting = this.#waiting.get(topic)?.records ?? []
    this.#waiting.delete(topic)
    const rule = this.#rules.of(topic)
    for (const { key, value, timestamp, headers } of waiting) {
      if (misfit(rule, this.#maxRecordBytes, key, value, headers) !== undefined) return false
      if (mistimed(rule, timestamp, now) !== undefined) return false
      this.route(topic, partitions, key, value, timestamp, headers)
    }
    return true
  }

  /** Bytes of finished batches, before compression; those under construction are at most one limit each. */
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
    if (topic === undefined) this.#topics.set(name, (topic = new OutgoingTopic(this.#rules.of(name))))
    return topic
  }
}

class OutgoingTopic {
  readonly rule: BatchRule
  readonly #builders: (BatchBuilder | undefined)[] = []
  #keyless = 0

  constructor(rule: BatchRule) {
    this.rule = rule
  }

  builder(partition: number): BatchBuilder {
    return (this.#builders[partition] ??= batchBuilder({ compression: this.rule.compression }))
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
