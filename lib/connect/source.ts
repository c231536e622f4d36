import type { Duration } from '../core/duration.js'
import type { Logger } from '../core/logger.js'
import type { Headers } from '../core/record.js'
import type { Topic } from '../model/stream.js'
import type { Json } from './json.js'

/**
 * Brings records from outside into a topic. Made by `tcpSource(…)`, `rabbitmqSource(…)` and the like, or by yourself: an object with
 * these fields is one.
 */
export interface SourceConnector<P extends Json = Json> {
  /** What it is, in descriptions and errors: `tcp`, `rabbitmq`. */
  readonly kind: string
  /**
   * What becomes of records when a process dies. `replayable`: it can begin behind a position that it has given, so each record
   * comes exactly once. `acknowledged`: what was not acknowledged is sent again, so each comes at least once, and once where records
   * carry ids. `volatile`: what is under way is lost, each comes at most once.
   */
  readonly delivery: 'replayable' | 'acknowledged' | 'volatile'
  /** Parts that are read independently, each by one process at a time. Their names are where positions are found again. @default ['0'] */
  readonly partitions?: readonly string[]
  /**
   * Every process opens it, all its partitions, at the same time: for listeners and queues that share out their messages
   * by themselves. Such a source has no positions, and remembers no ids. @default false
   */
  readonly everywhere?: boolean
  /**
   * Called when this process is to read a partition, and again, after a pause, whenever the iteration ends or throws before `signal` is
   * aborted. The next batch is asked for when the last one is committed or on its way: a source that is
   * faster than Kafka waits. The iterator's `return` is awaited before another process opens the partition.
   */
  open(context: SourceContext<P>): AsyncIterable<SourceBatch<P>>
}

export interface SourceContext<P extends Json = Json> {
  /** Of the source in the app. */
  readonly source: string
  readonly partition: string
  /** The last position that was committed; undefined when there is none: begin at the beginning. */
  readonly position: P | undefined
  /** Aborted when this process is to read the partition no more. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** Becomes part of one commit as a whole; commits hold one or more. One without records or position says that the outside answers. */
export interface SourceBatch<P extends Json = Json> {
  readonly records: readonly SourceRecord[]
  /** Where to go on behind this batch. It is committed with the records. Of sources that are `replayable`. */
  readonly position?: P
  /**
   * Called once the batch is committed; what it throws makes the source be opened again. Batches of which this is not called are to come
   * again. `refused`: places in `records` of those that became dead letters or were skipped, with what is wrong with each.
   */
  readonly ack?: (refused: ReadonlyMap<number, string>) => void | Promise<void>
}

export interface SourceRecord {
  /** As in `topic.keys`; null: no key. @default what the source's `key` option gives, or no key */
  readonly key?: string | null
  /** A value of the topic; it is encoded, and checked by the topic's schema. Null: a tombstone. Either this or `bytes`. */
  readonly value?: unknown
  /** A value as the topic's codec reads it: checked by reading it, and written as it is. */
  readonly bytes?: Uint8Array
  /** What is wrong with it, where the connector found it unreadable: it goes where `onInvalid` of the topic says, with `bytes` as they came. */
  readonly refused?: string
  /** Milliseconds since the epoch. @default now */
  readonly timestamp?: number
  readonly headers?: Headers
  /** Of this record and no other: when it comes again within the source's `idWindow` it is not written again. */
  readonly id?: string
  /** Where it came from, for dead letters and errors: `orders.csv:17`, `10.0.0.7:51234 frame 4`. */
  readonly at?: string
}

export interface SourceOptions<V> {
  /** The topic that its records are written to. */
  readonly into: Topic<V>
  /** Where they come from: `tcpSource(…)`, `rabbitmqSource(…)`, `singerSource(…)` or one of your own. */
  readonly from: SourceConnector
  /** Of records that come without a key. @default none: records go to any partition */
  readonly key?: (value: V) => string | null
  /** How many ids are remembered for each partition, the last ones. @default 10000 */
  readonly idWindow?: number
  /** The first pause before it is opened again after an error; doubled each time, up to `maxBackoff`. @default '100ms' */
  readonly backoff?: Duration
  /** The longest wait between two attempts while the outside fails. @default '30s' */
  readonly maxBackoff?: Duration
}

/** A source of an app: `createApp({ sources: [source('orders', { into: orders, from: tcpSource({ listen: { port: 7000 }, frames: 'line' }) })] })`. */
export interface Source {
  readonly kind: 'source'
  readonly name: string
  readonly options: SourceOptions<unknown>
}
