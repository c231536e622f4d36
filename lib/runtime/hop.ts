import type { Codec } from '../codec/codec.js'
import { jsonText } from '../codec/codec.js'
import { utf8Text } from '../core/bytes.js'
import { MillraceError } from '../core/errors.js'
import type { Headers, RecordInfo } from '../core/record.js'
import { keyText } from '../log/record-view.js'
import type { RecordCursor } from '../log/port.js'

/**
 * Records in an inbox. Key: the object's key; value: see `Form`; the headers of the source record, and these of ours:
 * `mr-i` form and input id, `mr-o` source topic, partition and offset, `mr-k` source key.
 */
const inputHeader = 'mr-i'
const originHeader = 'mr-o'
const keyHeader = 'mr-k'

/**
 * How the value of a hopped record is written. `o`: the original bytes, read by the source topic's codec; `t`: text;
 * `b`: bytes; `j`: JSON, which is what a value made by `map` or `flatMap` must survive.
 */
type Form = 'o' | 't' | 'b' | 'j'

/** One value on its way to another partition. */
export interface Hop {
  readonly value: string | Uint8Array
  readonly headers: Headers
}

/** `original` are the source record's value bytes when no step changed the value. */
export function packHop(inputId: string, value: unknown, original: Uint8Array | undefined, record: RecordInfo): Hop {
  const form = original === undefined ? formOf(value) : 'o'
  const headers = new Map(record.headers)
  headers.set(inputHeader, Buffer.from(form + inputId))
  headers.set(originHeader, Buffer.from(`${record.topic} ${record.partition} ${record.offset}`))
  if (record.key !== null) headers.set(keyHeader, Buffer.from(record.key))
  return { value: original ?? (form === 'j' ? jsonText(value) : (value as string | Uint8Array)), headers }
}

function formOf(value: unknown): Form {
  if (typeof value === 'string') return 't'
  return value instanceof Uint8Array ? 'b' : 'j'
}

/** A record read from an inbox, as if read from its source topic. Reused from record to record. */
export class HoppedRecord implements RecordInfo {
  readonly #inbox: string
  readonly #partition: number
  #all: Headers = new Map()
  #origin: readonly string[] = []
  #offset = 0
  timestamp = 0

  constructor(inbox: string, partition: number) {
    this.#inbox = inbox
    this.#partition = partition
  }

  /** Stands on the cursor's record; returns form and id of the input it is meant for. */
  read(cursor: RecordCursor): { readonly form: string; readonly inputId: string } {
    this.#all = cursor.headers()
    this.timestamp = cursor.timestamp
    this.#offset = cursor.offset
    this.#origin = []
    const input = this.#header(inputHeader)
    return { form: input.charAt(0), inputId: input.slice(1) }
  }

  get topic(): string {
    return this.#field(0)
  }

  get partition(): number {
    return Number(this.#field(1))
  }

  get offset(): bigint {
    return BigInt(this.#field(2))
  }

  get key(): string | null {
    const key = this.#all.get(keyHeader)
    return key === undefined || key === null ? null : Buffer.from(key).toString('utf8')
  }

  get headers(): Headers {
    return new Map(
      [...this.#all].filter(([name]) => name !== inputHeader && name !== originHeader && name !== keyHeader),
    )
  }

  #field(index: number): string {
    if (this.#origin.length === 0) this.#origin = this.#header(originHeader).split(' ')
    return this.#origin[index] ?? ''
  }

  #header(name: string): string {
    const value = this.#all.get(name)
    if (value !== undefined && value !== null) return Buffer.from(value).toString('utf8')
    const at = { topic: this.#inbox, partition: this.#partition, offset: this.#offset }
    throw new MillraceError(
      'VALUE_INVALID',
      `${at.topic}[${at.partition}]@${at.offset}: not a record of ours (header ${name} is missing). Inboxes must not be written to by others.`,
      at,
    )
  }
}

/** The value of a hopped record. Throws what the codec throws. */
export function unpackHop(form: string, codec: Codec<unknown>, cursor: RecordCursor): unknown {
  const { bytes, valueStart, valueEnd } = cursor
  switch (form) {
    case 'o':
      return decodeValue(codec, bytes, valueStart, valueEnd)
    case 't':
      return utf8Text(bytes, valueStart, valueEnd)
    case 'b':
      return Uint8Array.prototype.slice.call(bytes, valueStart, valueEnd)
    default:
      return JSON.parse(utf8Text(bytes, valueStart, valueEnd))
  }
}

export function decodeValue(codec: Codec<unknown>, bytes: Buffer, start: number, end: number): unknown {
  if (start < 0) throw new MillraceError('VALUE_INVALID', 'the value is null (a tombstone)')
  return codec.decodeRange === undefined
    ? codec.decode(bytes.subarray(start, end))
    : codec.decodeRange(bytes, start, end)
}

export function hopKey(cursor: RecordCursor): string {
  return keyText(cursor.bytes, cursor.keyStart, cursor.keyEnd)
}
