import type { Clock } from '../core/clock.js'
import { MillraceError } from '../core/errors.js'
import type { Headers, RecordInfo, TopicPartition } from '../core/record.js'
import type { LogPort } from './port.js'
import { readToEnd } from './read-to-end.js'
import { sendAll } from './send-all.js'

/** What a client needs to know of a topic; every topic handle fits. */
export interface ClientTopic<V> {
  readonly name: string
  readonly codec: { encode(value: V): Uint8Array | string; decode(bytes: Uint8Array): V }
}

export interface SendOptions<V> {
  /** Decides the partition, as Java's default partitioner; a record without a key goes to any. No key by default. */
  readonly key?: (value: V) => string | null
  /** Milliseconds since the epoch. By default when the value was taken from `values`. */
  readonly timestamp?: (value: V) => number
  readonly headers?: (value: V) => Headers
}

/** A record as `read` hands it out: valid for ever. */
export interface ReadRecord<V> {
  readonly key: string | null
  /** Null for a tombstone. */
  readonly value: V | null
  readonly record: RecordInfo
}

/** Plain producing and reading beside an app: in examples, tests and tools. */
export interface LogClient {
  /**
   * Appends all values, in order per partition, by an idempotent producer; resolves when all are acknowledged. Memory is
   * bounded, however long `values` is. Rejects with `TOPIC_MISSING`, with what `values`, the codec or an option throws, or
   * with what the log refuses; then part of the values may have been appended.
   */
  send<V>(target: ClientTopic<V>, values: Iterable<V> | AsyncIterable<V>, options?: SendOptions<V>): Promise<void>
  /**
   * All committed records, from the beginning up to what was stable at the call; in order per partition. Rejects with
   * `TOPIC_MISSING`, `VALUE_INVALID`, `BATCH_CORRUPT` or `COMPRESSION_UNAVAILABLE`.
   */
  read<V>(source: ClientTopic<V>): AsyncIterable<ReadRecord<V>>
}

export function logClient(port: LogPort, clock: Clock): LogClient {
  return {
    async send(target, values, options = {}) {
      await sendAll(port, clock, target, await partitionsOf(port, target.name), values, options)
    },
    read: (source) => readToEnd(port, source, partitionsOf(port, source.name)),
  }
}

async function partitionsOf(port: LogPort, topic: string): Promise<readonly TopicPartition[]> {
  const info = (await port.admin.describe([topic])).get(topic)
  if (info !== undefined) return Array.from({ length: info.partitions }, (_, partition) => ({ topic, partition }))
  throw new MillraceError('TOPIC_MISSING', `Topic '${topic}' does not exist. Create it, or correct the name.`, {
    topic,
  })
}
