import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Headers, ReusedRecord, TopicPartition } from '../../core/record.js'
import { firstHeader, headersOf, noHeaders, surrounded, withoutFirst } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { RecordCursor } from '../../log/port.js'
import { keyText, textKeys, type KeyFormat } from '../../core/key-format.js'
import { readAddress, writeAddress, type Address } from '../kept/address.js'
import type { CarriedRecord, CarriedTurn } from '../kept/carried.js'
import { FieldReader, FieldWriter } from '../kept/fields.js'
import { valueBytes } from '../kept/record-bytes.js'

/**
 * Records in an inbox. Key: the object's key; value: the value bytes of the source record; headers: first one of ours, with
 * all that the rest of the record does not say, then those of the source record. Ours is known by its place: what comes from
 * outside can have its name, and never stands first.
 */
const ours = 'mr-hop'

/** One of several values of a record that go to the same partition. */
export interface HopElement {
  readonly key: string
  readonly element: number
}

const fields = new FieldWriter()

/** The headers of a turn on its way to another partition. `more`: of further values of the same record, which come with it. */
export function packHop(turn: CarriedTurn, more: readonly HopElement[] = []): HeaderSection {
  writeAddress(fields, turn)
  fields.int(more.length)
  for (const { element, key } of more) fields.int(element).text(key)
  return surrounded([[ours, fields.take()]], turn.record.headers, [])
}

/** A record read from an inbox, as if read from its source topic. Reused from record to record, until one of them is kept. */
export class HoppedRecord implements ReusedRecord {
  isKept = false
  readonly #inbox: TopicPartition
  #cursor: RecordCursor | undefined
  #section: HeaderSection = noHeaders
  /** Of the source topic. */
  keys: KeyFormat = textKeys
  /** What stands in the header of ours. */
  address: Address = nowhere
  /** Further values of the same record that are meant for objects of this partition. */
  more: readonly HopElement[] = []

  constructor(inbox: TopicPartition) {
    this.#inbox = inbox
  }

  /** Stands on the cursor's record. Throws `VALUE_INVALID` for one that this app has not written. */
  read(cursor: RecordCursor): void {
    this.#cursor = cursor
    this.#section = cursor.headerSection()
    const envelope = firstHeader(this.#section, ours)
    try {
      if (!envelope) throw new RangeError(`its first header is not ${ours}`)
      const fields = new FieldReader(asBuffer(envelope))
      this.address = readAddress(fields)
      this.more = elements(fields.int(), fields)
      if (!fields.atEnd) throw new RangeError(`${ours} is longer than it should be`)
    } catch (cause) {
      throw this.#foreign(cause)
    }
  }

  keep(): void {
    this.isKept = true
  }

  get topic(): string {
    return this.address.topic
  }

  get partition(): number {
    return this.address.partition
  }

  get offset(): bigint {
    return BigInt(this.address.offset)
  }

  get timestamp(): number {
    return this.address.timestamp
  }

  get key(): string | null {
    const { key } = this.address
    return key === null ? null : this.keys.text(asBuffer(key), 0, key.length)
  }

  get headers(): Headers {
    return headersOf(withoutFirst(1, this.#section))
  }

  /** The record that hopped, as it was. */
  carried(): CarriedRecord {
    const { topic, partition, offset, timestamp, key } = this.address
    const value = valueBytes(this.#cursor as RecordCursor)
    return { topic, partition, offset, timestamp, key, value, headers: withoutFirst(1, this.#section) }
  }

  #foreign(cause: unknown): MillraceError {
    const { topic, partition } = this.#inbox
    const { offset } = this.#cursor as RecordCursor
    return new MillraceError(
      'VALUE_INVALID',
      `${topic}[${partition}]@${offset}: not a record of this app (${reasonOf(cause)}). Inboxes must not be written to by others.`,
      { topic, partition, offset, cause },
    )
  }
}

const nowhere: Address = {
  source: '',
  topic: '',
  partition: -1,
  offset: -1,
  timestamp: NaN,
  key: null,
  way: 0,
  element: 0,
  letter: undefined,
  streamTime: undefined,
}
const none: readonly HopElement[] = []

function elements(count: number, fields: FieldReader): readonly HopElement[] {
  if (count === 0) return none
  const found: HopElement[] = []
  while (found.length < count) found.push({ element: fields.int(), key: fields.text() })
  return found
}

/** Key of the object that a hopped record is meant for. */
export function hopKey(cursor: RecordCursor): string {
  return keyText(cursor.bytes, cursor.keyStart, cursor.keyEnd)
}
