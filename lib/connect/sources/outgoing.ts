import type { TopicPartition } from '../../core/record.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { batchLimit, type BatchRule } from '../../log/batch-rules.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { FinishedBatch } from '../../log/port.js'
import type { SourceBatch } from '../source.js'
import type { CheckedRecord } from './record-check.js'

/** A batch of the connector in a commit. */
export interface TakenBatch {
  readonly ack: SourceBatch['ack']
  /** What was wrong with those of its records that were refused, by their places. */
  readonly refused: Map<number, string>
}

/** A record on its way, with what is needed where a broker refuses it. */
export interface Entry extends CheckedRecord {
  readonly batch: TakenBatch
  readonly place: number
  readonly at: string | undefined
  readonly id: string | undefined
}

/** A batch for a broker; those that are not of the topic of the source have no entries. */
export interface Outgoing extends TopicPartition {
  readonly batch: FinishedBatch
  readonly entries: readonly Entry[]
}

/** Records of one partition, with at most so many bytes and records in a batch. */
export function* cut(
  topic: string,
  partition: number,
  entries: readonly Entry[],
  limit: number,
  most: number,
): Iterable<Outgoing> {
  const builder = batchBuilder()
  let from = 0
  for (let at = 0; at < entries.length; at++) {
    const { key, value, timestamp, headers } = entries[at] as Entry
    if (at - from < most && builder.add(key, value, timestamp, headers, limit)) continue
    yield { topic, partition, batch: builder.finish(), entries: entries.slice(from, at) }
    from = at
    builder.add(key, value, timestamp, headers)
  }
  if (builder.count > 0) yield { topic, partition, batch: builder.finish(), entries: entries.slice(from) }
}

interface Content {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly headers: HeaderSection | undefined
}

/** Records of this library. */
export function batched(
  rule: BatchRule,
  at: TopicPartition,
  timestamp: number,
  contents: readonly Content[],
): readonly Outgoing[] {
  const builder = batchBuilder({ compression: rule.compression })
  const found: Outgoing[] = []
  const close = (): void => void found.push({ ...at, batch: builder.finish(), entries: [] })
  for (const { key, value, headers } of contents) {
    if (builder.add(key, value, timestamp, headers, batchLimit(rule))) continue
    close()
    builder.add(key, value, timestamp, headers)
  }
  if (builder.count > 0) close()
  return found
}
