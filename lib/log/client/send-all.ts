import { textKeys } from '../../core/key-format.js'
import {
  demandEncoded,
  demandHeaders,
  demandKeyFor,
  demandTimestamp,
  placeNamed,
  type Where,
} from '../../core/record-checks.js'
import type { Clock } from '../../core/clock.js'
import { MillraceError, saying } from '../../core/errors.js'
import { callback, checkOptions, type Rules } from '../../core/options.js'
import { allPartitions, type Headers, type Offset, type TopicPartition } from '../../core/record.js'
import { batchBuilder } from '../batch-builder.js'
import { batchLimit, maxBatchBytes, type BatchRule } from '../batch-rules.js'
import { headerBytes } from '../format/batch-header.js'
import type { ClientTopic } from './client-topic.js'
import { tokenOf, type Written } from './commit-token.js'
import { partitionOfKey } from '../murmur2.js'
import type { BatchBuilder, CommitChannel, FinishedBatch, TopicInfo } from '../port.js'
import { misfit } from '../record-size.js'

/** A quarter of what brokers take by default. */
const batchBytes = 256 * 1024
/** Over all partitions, so that many partitions do not mean much memory. */
const bufferedBytes = 16 * 1024 * 1024
/** Appends that wait for their answer. */
const inFlight = 8
/** Records without a key go on to the next partition after this much: spread, and still in large batches. */
const stickyBytes = 16 * 1024
/** How long a value of a slow source waits for company. */
const lingerMs = 50

/** What a record gets beside its value. */
export interface SendOptions<V> {
  /** Decides the partition, as Java's default partitioner; a record without a key goes to any. No key by default. */
  readonly key?: (value: V) => string | null
  /** Milliseconds since the epoch. By default when the value was taken from `values`. */
  readonly timestamp?: (value: V) => number
  /** Of each record. */
  readonly headers?: (value: V) => Headers
}

/** What was sent. */
export interface Sent {
  /** For reads that are to see what became of it: `app.state(kind).get(key, { after: token })`. */
  readonly token: string
}

const sendOptions: Rules<SendOptions<never>> = {
  key: callback('a function that gives the key of a value, or null'),
  timestamp: callback('a function that gives milliseconds since 1970'),
  headers: callback('a function that gives a Map of names and bytes'),
}

/** Throws `OPTIONS_INVALID`. */
export const checkSendOptions = (topic: string, options: SendOptions<never>): void =>
  checkOptions(`send to ${topic}`, options, sendOptions)

/** See `LogClient.send`. */
export async function sendAll<V>(
  channel: CommitChannel,
  clock: Clock,
  target: ClientTopic<V>,
  info: TopicInfo,
  values: Iterable<V | null> | AsyncIterable<V | null>,
  options: SendOptions<V>,
): Promise<Sent> {
  const partitions = allPartitions(target.name, info.partitions)
  const rule: BatchRule = { maxBytes: maxBatchBytes(info.configs), roundBytes: batchBytes, compression: 'none' }
  const { keys = textKeys } = target
  await channel.begin(partitions, undefined)
  const batches = new OutgoingBatches(channel, partitions, rule, clock.now())
  const stopLingering = clock.every(lingerMs, () => batches.flush())
  let index = 0
  const where = (): string => `${target.name}: value ${index} of those sent (the first is 0; all before it were sent)`
  try {
    for await (const each of values) {
      // The functions are for values; who sends a tombstone has functions that can do without.
      const value = each as V
      const timestamp = options.timestamp === undefined ? clock.now() : demandTimestamp(options.timestamp(value), where)
      const key = options.key === undefined ? null : demandKeyFor(keys, options.key(value), where)
      const encoded = each === null ? null : encodedBy(target, value, where)
      const headers = options.headers === undefined ? undefined : demandHeaders(options.headers(value), where)
      const why = misfit(rule, Infinity, key, encoded, headers)
      if (why !== undefined) throw tooLarge(target.name, index, why)
      batches.add(key, encoded, timestamp, headers)
      index++
      if (batches.isFull) await batches.room()
    }
  } finally {
    stopLingering()
    // Also of what came before a value that cannot be sent.
    batches.flush()
    await batches.settled()
  }
  batches.demandAcknowledged()
  await channel.commit()
  return { token: tokenOf(batches.written, new Map([[target.name, info.id]])) }
}

/** Null where the codec gives it. */
function encodedBy<V>({ name, codec }: ClientTopic<V>, value: V, where: Where): string | Uint8Array | null {
  let encoded: Uint8Array | string | null
  try {
    encoded = codec.encode(value)
  } catch (cause) {
    throw saying(placeNamed(where), { topic: name }, cause)
  }
  return encoded === null ? null : demandEncoded(encoded, where)
}

function tooLarge(topic: string, index: number, why: string): MillraceError {
  const message = `${topic}: value ${index} of those sent (the first is 0) ${why}. All before it were sent.`
  return new MillraceError('RECORD_TOO_LARGE', message, { topic })
}

/** One batch in the making per partition, and those on their way. */
class OutgoingBatches {
  readonly #channel: CommitChannel
  readonly #partitions: readonly TopicPartition[]
  readonly #limit: number
  readonly #builders = new Map<number, BatchBuilder>()
  readonly #sending = new Set<Promise<void>>()
  readonly #failures: unknown[] = []
  readonly #last = new Map<number, Offset>()
  #buffered = 0
  #sticky: number
  #onSticky = 0

  /** `turn` spreads where senders without keys begin. */
  constructor(channel: CommitChannel, partitions: readonly TopicPartition[], rule: BatchRule, turn: number) {
    this.#channel = channel
    this.#partitions = partitions
    this.#limit = batchLimit(rule)
    this.#sticky = Math.floor(turn) % partitions.length
  }

  /** More is on its way than should be, or something failed: await `room`. */
  get isFull(): boolean {
    return this.#sending.size >= inFlight || this.#failures.length > 0
  }

  add(
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers: Headers | undefined,
  ): void {
    const partition = key === null ? this.#stickyPartition() : partitionOfKey(key, this.#partitions.length)
    let builder = this.#builders.get(partition)
    if (builder === undefined) this.#builders.set(partition, (builder = batchBuilder()))
    let before = builder.size
    if (!builder.add(key, value, timestamp, headers, this.#limit)) {
      this.#send(partition, builder)
      before = builder.size
      builder.add(key, value, timestamp, headers)
    }
    const added = builder.size - before
    this.#buffered += added
    if (key === null) this.#onSticky += added
    if (builder.size >= this.#limit) this.#send(partition, builder)
    else if (this.#buffered >= bufferedBytes) this.flush()
  }

  flush(): void {
    for (const [partition, builder] of this.#builders) if (builder.count > 0) this.#send(partition, builder)
  }

  /** Resolves when another batch may be sent. Rejects with what an append failed with. */
  async room(): Promise<void> {
    while (this.#sending.size >= inFlight) await Promise.race(this.#sending)
    this.demandAcknowledged()
  }

  /** Resolves when every append is answered, also with an error. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending)
  }

  /** The last record in each partition. */
  get written(): readonly Written[] {
    return [...this.#last].map(([partition, offset]) => ({
      ...(this.#partitions[partition] as TopicPartition),
      offset,
    }))
  }

  demandAcknowledged(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  #stickyPartition(): number {
    if (this.#onSticky >= stickyBytes) {
      this.#onSticky = 0
      this.#sticky = (this.#sticky + 1) % this.#partitions.length
    }
    return this.#sticky
  }

  #send(partition: number, builder: BatchBuilder): void {
    this.#buffered -= builder.size - headerBytes
    const batch = builder.finish()
    const sent = this.#append(this.#partitions[partition]!, batch).finally(() => this.#sending.delete(sent))
    this.#sending.add(sent)
  }

  async #append(partition: TopicPartition, batch: FinishedBatch): Promise<void> {
    try {
      const { baseOffset } = await this.#channel.append(partition, batch)
      const last = baseOffset + batch.records - 1
      this.#last.set(partition.partition, Math.max(last, this.#last.get(partition.partition) ?? last))
    } catch (error) {
      this.#failures.push(error)
    }
  }
}
