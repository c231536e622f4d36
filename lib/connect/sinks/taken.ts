import type { KeyFormat } from '../../core/key-format.js'
import type { Headers } from '../../core/record.js'
import type { Codec } from '../../codec/codec.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { SinkBatch, SinkRecord } from '../sink.js'

/** A record as it is in Kafka, read and found valid; bytes are views of what was fetched. */
export interface Taken {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly keyBytes: Uint8Array | null
  readonly bytes: Uint8Array | null
  readonly headers: Headers
  readonly section: HeaderSection
  /** Given to the first attempt; those after it get another, since the first may have changed it. */
  readonly value: unknown
}

/** What is written at once, and where it ends. */
export interface TakenBatch {
  readonly records: readonly Taken[]
  readonly nextOffset: number
}

/** How a topic's records are read. */
export interface Format {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly keys: KeyFormat
}

/** What the target is given. */
export function sinkBatch(
  { name, codec }: Format,
  partition: number,
  { records, nextOffset }: TakenBatch,
  isFirst: boolean,
): SinkBatch {
  const given = records.map(({ key, bytes, offset, timestamp, headers, value }): SinkRecord => {
    const again = isFirst || bytes === null ? value : codec.decode(bytes)
    return { key, value: again, bytes, offset, timestamp, headers: isFirst ? headers : new Map(headers) }
  })
  return { topic: name, partition, records: given, nextOffset }
}

/** The first or the only record of a batch, for messages. */
export function spanOf(topic: string, partition: number, { records, nextOffset }: TakenBatch): string {
  const first = records[0]?.offset ?? nextOffset
  const last = records.at(-1)?.offset ?? nextOffset
  return `${topic}[${partition}]@${first}${last > first ? `–${last}` : ''}`
}
