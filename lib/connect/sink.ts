import type { Duration } from '../core/duration.js'
import type { Logger } from '../core/logger.js'
import type { Headers } from '../core/record.js'
import type { Topic } from '../model/stream.js'

/**
 * Takes committed records of a topic to the outside. Made by `tcpSink(…)`, `rabbitmqSink(…)` and the like, or by yourself: an object
 * with these fields is one.
 */
export interface SinkConnector<V = unknown> {
  /** What it is, in descriptions and errors. */
  readonly kind: string
  /** `volatile`: `write` resolves without knowing that the target has the batch, so records may be lost, and may come twice. @default 'acknowledged' */
  readonly delivery?: 'acknowledged' | 'volatile'
  /**
   * Called when this process is to write the records of a partition; again, after a pause, when it has failed, when three writes in a
   * row have, and after each failure of a target that keeps the offset or commits in two phases: only that knows what has come.
   */
  open(context: SinkContext): SinkPartition<V> | Promise<SinkPartition<V>>
}

export interface SinkContext {
  /** Of the sink in the app. */
  readonly sink: string
  readonly topic: string
  readonly partition: number
  /** Aborted when this process is to write the partition no more. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** One way to write, and perhaps one to close. One call at a time is under way for each partition. */
export interface SinkPartition<V = unknown> {
  /**
   * The offset to begin at, where the target keeps it, in one transaction with what it has written: then each record is written exactly
   * once. Undefined: at what the sink's group has committed, so each is written at least once.
   */
  readonly offset?: number
  /**
   * Resolves when the target has the batch for good. What it rejects with is tried again, the same batch, after a pause; `SinkRefused`
   * says which records can never be written.
   */
  write?(batch: SinkBatch<V>): void | Promise<void>
  /** Instead of `write`, for targets that commit in two phases. */
  readonly twoPhase?: TwoPhase<V>
  /** Awaited before another process opens the partition. */
  close?(): void | Promise<void>
}

/**
 * `prepare` makes the batch safe under this id, unseen; then the offsets are committed; then `commit` is called. After a crash, or a
 * failure, `commit` is called for the id whose offsets were committed, where `pending` names it, and `abort` for all others of the
 * partition that it names. Ids are `<app>~<sink>~<topic>~<partition>~<first offset>~<next offset>`.
 */
export interface TwoPhase<V = unknown> {
  prepare(id: string, batch: SinkBatch<V>): Promise<void>
  commit(id: string): Promise<void>
  abort(id: string): Promise<void>
  /** Ids that were prepared, and neither committed nor aborted. */
  pending(): Promise<readonly string[]>
}

export interface SinkBatch<V = unknown> {
  readonly topic: string
  readonly partition: number
  /** In the order of their offsets; at least one. */
  readonly records: readonly SinkRecord<V>[]
  /** Where to begin after this batch: what a target that keeps the offset keeps. */
  readonly nextOffset: number
}

export interface SinkRecord<V = unknown> {
  readonly key: string | null
  /** Null: a tombstone. */
  readonly value: V | null
  /** As it is in Kafka. Not to be changed: they are read again when the batch is tried again. */
  readonly bytes: Uint8Array | null
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

export interface SinkOptions<V> {
  /** The topic whose committed records go out. */
  readonly from: Topic<V>
  /** Where they go: `tcpSink(…)`, `rabbitmqSink(…)`, `singerSink(…)` or one of your own. */
  readonly to: SinkConnector<V>
  /** Most records in one batch. @default 500 */
  readonly batchRecords?: number
  /** Most bytes of keys and values in one batch; one record is always taken. @default 1000000 */
  readonly batchBytes?: number
  /** Where a sink that has no offset yet begins. @default 'earliest' */
  readonly begin?: 'earliest' | 'latest'
  /** The first pause after a failed write; doubled each time, up to `maxBackoff`. @default '100ms' */
  readonly backoff?: Duration
  /** The longest wait between two attempts while the target fails. @default '30s' */
  readonly maxBackoff?: Duration
  /**
   * After so many failed writes of a batch it is written record by record, and a record that fails as often while others are
   * taken is a dead letter. `'unlimited'`: it is tried for ever. @default 40, which is about 15 minutes
   */
  readonly attempts?: number | 'unlimited'
}

/** A sink of an app: `createApp({ sinks: [sink('rows', { from: rows, to: … })] })`. */
export interface Sink {
  readonly kind: 'sink'
  readonly name: string
  readonly options: SinkOptions<unknown>
}
