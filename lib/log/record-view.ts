import { utf8Text } from '../core/bytes.js'
import { copyOfRecord, type Headers, type RecordInfo } from '../core/record.js'
import type { RecordCursor } from './port.js'

/**
 * What handlers see of the record a cursor stands on: nothing is read before it is asked for, and the key is decoded once
 * per record. Valid until the cursor moves; `snapshot` is valid for ever.
 */
export class RecordView implements RecordInfo {
  topic = ''
  partition = -1
  /** Where the timestamp comes from the value, of the record the cursor stands on. */
  eventTime: number | undefined
  #cursor: RecordCursor | undefined
  #key: string | null = null
  #keyOffset = -1
  #headers: Headers | undefined
  #headersOffset = -1

  bind(topic: string, partition: number, cursor: RecordCursor): void {
    this.topic = topic
    this.partition = partition
    this.#cursor = cursor
    this.#keyOffset = this.#headersOffset = -1
  }

  get offset(): bigint {
    return BigInt(this.#bound().offset)
  }

  get timestamp(): number {
    return this.eventTime ?? this.#bound().timestamp
  }

  get key(): string | null {
    const cursor = this.#bound()
    if (this.#keyOffset !== cursor.offset) {
      this.#key = cursor.keyStart < 0 ? null : keyText(cursor.bytes, cursor.keyStart, cursor.keyEnd)
      this.#keyOffset = cursor.offset
    }
    return this.#key
  }

  get headers(): Headers {
    const cursor = this.#bound()
    if (this.#headers === undefined || this.#headersOffset !== cursor.offset) {
      this.#headers = cursor.headers()
      this.#headersOffset = cursor.offset
    }
    return this.#headers
  }

  /** A copy that does not change when the cursor moves. */
  snapshot(): RecordInfo {
    return copyOfRecord(this)
  }

  #bound(): RecordCursor {
    if (this.#cursor === undefined) throw new TypeError('this record view is not bound to a cursor')
    return this.#cursor
  }
}

/** One list per length, used again and again: what is spread below is copied at once. */
const codesOfLength = Array.from({ length: 17 }, (_, length) => new Array<number>(length).fill(0))

/**
 * Text of a key's UTF-8 bytes. Up to 16 ASCII bytes are put together without a call into native code: 16 against 36 ns for
 * ten bytes, no difference from twenty on. `latin1Slice` is no faster than `utf8Slice` once the bytes have been checked.
 */
export function keyText(bytes: Buffer, start: number, end: number): string {
  const codes = codesOfLength[end - start]
  if (codes === undefined) return utf8Text(bytes, start, end)
  let seen = 0
  for (let index = 0; index < codes.length; index++) seen |= codes[index] = bytes[start + index]!
  return seen > 127 ? utf8Text(bytes, start, end) : String.fromCharCode(...codes)
}
