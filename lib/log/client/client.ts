import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { allPartitions, type TopicPartition } from '../../core/record.js'
import { awaitedOf } from '../awaited.js'
import { demandTopic, demandValues, type ClientTopic } from './client-topic.js'
import type { LogPort, TopicInfo } from '../port.js'
import { Producers } from './producers.js'
import { readToEnd, type ReadRecord } from './read-to-end.js'
import { checkSendOptions, sendAll, type SendOptions, type Sent } from './send-all.js'

export type { ClientTopic, ReadRecord, SendOptions, Sent }

/** Plain producing and reading beside an app: in examples, tests and tools. */
export interface LogClient {
  /**
   * Appends all values (null: a tombstone), in order per partition, by an idempotent producer; resolves when all are acknowledged,
   * to a token with which reads see what became of them. Memory is
   * bounded, however long `values` is. May be called for each record: producers and their connections are kept for the next calls. Rejects with `OPTIONS_INVALID` and `TOPIC_MISSING`; with `RECORD_TOO_LARGE` for a value that the topic does
   * not take, and with what `values`, the codec or an option throws: then all values before it have been appended; or with
   * what the log refuses: then part of them may have been.
   */
  send<V>(
    target: ClientTopic<V>,
    values: Iterable<V | null> | AsyncIterable<V | null>,
    options?: SendOptions<V>,
  ): Promise<Sent>
  /**
   * All committed records, from the beginning up to what was stable at the call; in order per partition. Throws
   * `OPTIONS_INVALID` for what is no topic. Rejects with `TOPIC_MISSING`, `VALUE_INVALID`, `BATCH_CORRUPT` or `COMPRESSION_UNAVAILABLE`.
   */
  read<V>(source: ClientTopic<V>): AsyncIterable<ReadRecord<V>>
}

const never = new AbortController().signal

export function logClient(port: LogPort, clock: Clock): LogClient {
  const producers = new Producers(port)
  return {
    async send(target, values, options = {}) {
      demandTopic(target, 'send')
      demandValues(values, `send to ${target.name}`)
      await awaitedOf(target as Parameters<typeof awaitedOf>[0])?.prepare('write', never)
      const info = await infoOf(port, target.name)
      checkSendOptions(target.name, options)
      return await producers.use((channel) => sendAll(channel, clock, target, info, values, options))
    },
    read(source) {
      demandTopic(source, 'read')
      return readToEnd(port, source, partitionsOf(port, source.name))
    },
  }
}

async function partitionsOf(port: LogPort, topic: string): Promise<readonly TopicPartition[]> {
  return allPartitions(topic, (await infoOf(port, topic)).partitions)
}

async function infoOf(port: LogPort, topic: string): Promise<TopicInfo> {
  const info = (await port.admin.describe([topic])).get(topic)
  if (info !== undefined) return info
  throw new MillraceError('TOPIC_MISSING', `Topic '${topic}' does not exist. Create it, or correct the name.`, {
    topic,
  })
}
