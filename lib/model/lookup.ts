import { refuseMore } from '../core/options.js'
import { topicNode, type Topic, type TopicNode } from './stream.js'

/** A topic that every instance of the app has a whole copy of, to look rows up by any key: `turn.lookup(table, key)`. */
export interface LookupTable<V> {
  readonly kind: 'lookup'
  /** Of its topic. */
  readonly name: string
  readonly node: TopicNode
  /** The type of its rows; not there when the program runs. */
  readonly _row?: V
}

/**
 * A read-only table of a compacted topic, for keys that are not those of the objects that need them (in Kafka Streams: a
 * GlobalKTable). Give it to the app with `lookups: [table]`: each instance keeps the latest value of every key in memory,
 * over all partitions, and `start()` waits until it is complete. A record without a value deletes its row. Lookups are no
 * part of the transaction; docs/lookups.md says what that means.
 *
 * A value that the codec or schema refuses leaves the previous row as it is. `onInvalid` of the topic says what else:
 * `'dead-letter'`, the default, counts it and logs a warning with its coordinates (there is no dead letter: every instance
 * would write one); `'skip'` counts it; `'stop'` stops the app. `timestamp` of the topic is not used.
 *
 * Throws `DEFINITION_INVALID` when it is not given a topic, `OPTIONS_INVALID` when it is given more.
 */
export function lookup<V>(source: Topic<V>): LookupTable<V>
export function lookup<V>(source: Topic<V>, ...more: unknown[]): LookupTable<V> {
  refuseMore('lookup', more)
  const node = topicNode(source as Topic<never>)
  return Object.freeze({ kind: 'lookup', name: node.name, node })
}
