import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Offset } from '../../core/record.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, RecordCursor, TopicInfo } from '../../log/port.js'
import type { TopicNode } from '../../model/stream.js'
import { decodeValue } from '../../turn/kept/record-bytes.js'

/** The latest value of a key, decoded and frozen; `Written` where not all of it can be. */
interface Row {
  /** Undefined when it was deleted while the copy was not complete. */
  value: unknown
  partition: number
  timestamp: number
}

/** A value was refused. */
export type OnRefused = (error: MillraceError) => void

/**
 * The rows of one topic, in memory, decoded: JSON of 114 bytes took 346 bytes of heap, as text it took 270, key and map
 * entry included. For that a lookup is one Map lookup and nothing has to be decoded twice, or cached.
 *
 * A key belongs to one partition, where the later offset wins. When the topic has gained partitions it may be in two; then
 * the later timestamp wins, so that the order in which partitions happen to be read makes no difference.
 */
export class LookupCopy {
  readonly node: TopicNode
  /** Of the topic as it was read. */
  readonly id: string
  /** Where to read on, by partition. */
  readonly positions = new Map<number, Offset>()
  readonly #onRefused: OnRefused
  readonly #rows = new Map<string, Row>()
  /** Keys of rows that were deleted before the copy was complete; some have come back. */
  readonly #deleted: string[] = []
  #isComplete = false

  /** `onRefused` may throw. */
  constructor(node: TopicNode, { id }: TopicInfo, onRefused: OnRefused) {
    this.node = node
    this.id = id
    this.#onRefused = onRefused
  }

  get size(): number {
    return this.#rows.size
  }

  value(key: string): unknown {
    const value = this.#rows.get(key)?.value
    return value instanceof Written ? value.decoded(this.node) : value
  }

  /** Applies what was fetched, in one go; returns how many records that were. Throws what `onRefused` and the cursor throw. */
  apply(fetched: Fetched): number {
    const cursor = recordCursor(fetched)
    let records = 0
    for (; cursor.next(); records++) this.#take(cursor, fetched.partition)
    this.positions.set(fetched.partition, fetched.to)
    return records
  }

  /** The end was reached in all partitions: of what was deleted nothing has to be known any more. */
  complete(): void {
    this.#isComplete = true
    for (const key of this.#deleted.splice(0)) if (this.#rows.get(key)?.value === undefined) this.#rows.delete(key)
  }

  #take(cursor: RecordCursor, partition: number): void {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp } = cursor
    if (keyStart < 0) return this.#refuse(cursor, partition, new Error('it has no key'))
    let key: string
    try {
      key = this.node.keys.text(bytes, keyStart, keyEnd)
    } catch (cause) {
      return this.#refuse(cursor, partition, cause)
    }
    const known = this.#rows.get(key)
    if (known !== undefined && known.partition !== partition && known.timestamp > timestamp) return
    let value: unknown
    if (valueStart < 0) {
      if (this.#isComplete) return void this.#rows.delete(key)
      this.#deleted.push(key)
    } else {
      try {
        value = decodeValue(this.node.codec, bytes, valueStart, valueEnd)
        if (!freeze(value)) value = new Written(bytes.subarray(valueStart, valueEnd))
      } catch (cause) {
        return this.#refuse(cursor, partition, cause, key)
      }
    }
    if (known === undefined) return void this.#rows.set(key, { value, partition, timestamp })
    known.value = value
    known.partition = partition
    known.timestamp = timestamp
  }

  #refuse({ offset }: RecordCursor, partition: number, cause: unknown, key?: string): void {
    const topic = this.node.name
    const row = key === undefined ? 'a row' : `the row of '${key}'`
    const what = `${topic}[${partition}]@${offset}: ${row} was refused (${reasonOf(cause)})`
    const facts = { topic, partition, offset, cause, ...(key === undefined ? {} : { key }) }
    const todo = 'What the table had for it stays. Repair the producer and send it again.'
    this.#onRefused(new MillraceError('VALUE_INVALID', `${what}. ${todo}`, facts))
  }
}

/** A row with a part that nobody could be kept from changing: each who looks it up gets it anew. */
class Written {
  readonly #bytes: Buffer

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
  }

  decoded({ codec }: TopicNode): unknown {
    return decodeValue(codec, this.#bytes, 0, this.#bytes.length)
  }
}

/** Whether it could: dates, maps and bytes can be changed however frozen they are. */
function freeze(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function'
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false
  Object.freeze(value)
  return Object.values(value).every(freeze)
}
