import { textKeys, type KeyFormat } from '../core/key-format.js'
import { copiedHeaders, type Headers, type RecordInfo, type ReusedRecord } from '../core/record.js'
import type { RecordCursor } from './port.js'

/**
 * What handlers see of the record a cursor stands on: nothing is read before it is asked for, and the key is decoded once
 * per record. Valid until the cursor moves, unless it was kept; `snapshot` is valid for ever.
 */
export class RecordView implements ReusedRecord {
  topic = ''
  partition = -1
  /** Where the timestamp comes from the value, of the record the cursor stands on. */
  eventTime: number | undefined
  #cursor: RecordCursor | undefined
  #keys = textKeys
  #key: string | null = null
  #keyOffset = -1
  #headers: Headers | undefined
  #headersOffset = -1
  #kept: RecordInfo | undefined

  bind(topic: string, partition: number, cursor: RecordCursor, keys: KeyFormat = textKeys): void {
    this.#keys = keys
    this.topic = topic
    this.partition = partition
    this.#cursor = cursor
    this.#keyOffset = this.#headersOffset = -1
  }

  get isKept(): boolean {
    return this.#kept !== undefined
  }

  keep(own: RecordInfo): void {
    this.#kept ??= own
  }

  get offset(): bigint {
    if (this.#kept !== undefined) return this.#kept.offset
    return BigInt(this.#bound().offset)
  }

  get timestamp(): number {
    if (this.#kept !== undefined) return this.#kept.timestamp
    return this.eventTime ?? this.#bound().timestamp
  }

  /** Throws `VALUE_INVALID` for bytes that are no key of the topic's format. */
  get key(): string | null {
    if (this.#kept !== undefined) return this.#kept.key
    const cursor = this.#bound()
    if (this.#keyOffset !== cursor.offset) {
      this.#key = cursor.keyStart < 0 ? null : this.#keys.text(cursor.bytes, cursor.keyStart, cursor.keyEnd)
      this.#keyOffset = cursor.offset
    }
    return this.#key
  }

  get headers(): Headers {
    if (this.#kept !== undefined) return this.#kept.headers
    const cursor = this.#bound()
    if (this.#headers === undefined || this.#headersOffset !== cursor.offset) {
      this.#headers = cursor.headers()
      this.#headersOffset = cursor.offset
    }
    return this.#headers
  }

  /** A copy that does not change when the cursor moves. */
  snapshot(): RecordInfo {
    const { topic, partition, offset, timestamp } = this
    const { bytes, keyStart, keyEnd } = this.#bound()
    const keys = this.#keys
    const own = keyStart < 0 ? null : Buffer.from(bytes.subarray(keyStart, keyEnd))
    return {
      topic,
      partition,
      offset,
      timestamp,
      get key() {
        return own === null ? null : keys.text(own, 0, own.length)
      },
      headers: copiedHeaders(this.headers),
    }
  }

  #bound(): RecordCursor {
    if (this.#cursor === undefined) throw new TypeError('this record view is not bound to a cursor')
    return this.#cursor
  }
}
