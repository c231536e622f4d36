import { asBuffer } from '../../core/bytes.js'
import type { KeyFormat } from '../../core/key-format.js'
import type { Headers, RecordInfo, TopicPartition } from '../../core/record.js'
import { headersOf } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { RecordCursor } from '../../log/port.js'
import { keyBytes, valueBytes } from './record-bytes.js'

/**
 * A record as it was read: what goes with it through inboxes, rows and dead letters, where its values are made of it anew.
 * Bytes may be views of what was fetched, which nobody changes.
 */
export interface CarriedRecord extends TopicPartition {
  readonly offset: number
  /** Its event time, which need not be what the log says: milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: HeaderSection
}

/** Which dead letter of an object is replayed. */
export interface ReplayedLetter {
  /** Of letters that are numbered one after the other; those of an object that was free in between have another. */
  readonly series: string
  /** From 1 on. */
  readonly number: number
  /** Number of the one before it, as far as there are letters; 0: none. It has its turn when that has had its own. */
  readonly behind: number
  /** It is not to be run: its turn is over when it comes. */
  readonly isDropped: boolean
}

/** A turn that is run later, or elsewhere. */
export interface CarriedTurn {
  /** Id of its source: see `TurnSource`. */
  readonly source: string
  readonly record: CarriedRecord
  /** Which of the ways from the record's topic into the input: see `TurnSource.ways`. */
  readonly way: number
  /** Which of the values that the steps of this way make of the record, from 0 on. */
  readonly element: number
  /** Of a dead letter that is replayed. */
  readonly letter: ReplayedLetter | undefined
  /** See `Work`. */
  readonly streamTime?: number | undefined
}

/** The record that a cursor stands on. */
export function carriedRecord(
  { topic, partition }: TopicPartition,
  cursor: RecordCursor,
  eventTime: number,
): CarriedRecord {
  return {
    topic,
    partition,
    offset: cursor.offset,
    timestamp: eventTime,
    key: keyBytes(cursor),
    value: valueBytes(cursor),
    headers: cursor.headerSection(),
  }
}

/** What handlers see of a carried record; text is made of its bytes when it is asked for. */
export class CarriedInfo implements RecordInfo {
  readonly #record: CarriedRecord
  readonly #keys: KeyFormat

  constructor(record: CarriedRecord, keys: KeyFormat) {
    this.#record = record
    this.#keys = keys
  }

  get topic(): string {
    return this.#record.topic
  }

  get partition(): number {
    return this.#record.partition
  }

  get offset(): bigint {
    return BigInt(this.#record.offset)
  }

  get timestamp(): number {
    return this.#record.timestamp
  }

  get key(): string | null {
    const { key } = this.#record
    return key === null ? null : this.#keys.text(asBuffer(key), 0, key.length)
  }

  get headers(): Headers {
    return headersOf(this.#record.headers)
  }
}
