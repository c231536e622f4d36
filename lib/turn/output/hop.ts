import { MillraceError } from '../../core/errors.js'
import type { Headers, RecordInfo } from '../../core/record.js'
import { keyText } from '../../log/record-view.js'
import type { RecordCursor } from '../../log/port.js'
import { formOf, inForm, type Form } from '../kept/form.js'
import { keptBytes, keptRecord, type KeptTurn } from '../kept/kept-turn.js'

/**
 * Records in an inbox. Key: the object's key; value: see `Form`; the headers of the source record, and these of ours:
 * `mr-i` form and input id, `mr-o` source topic, partition and offset, `mr-k` source key; of replayed dead letters also
 * `mr-l`, the number of the letter, and `mr-v`, the value of the source record where a step had made another of it.
 */
const inputHeader = 'mr-i'
const originHeader = 'mr-o'
const keyHeader = 'mr-k'
const letterHeader = 'mr-l'
const originalHeader = 'mr-v'
const ours = new Set([inputHeader, originHeader, keyHeader, letterHeader, originalHeader])

/** One value on its way to another partition. */
export interface Hop {
  readonly value: string | Uint8Array | null
  readonly headers: Headers
}

/** A dead letter on its way back to its object. */
export function packLetter(turn: KeptTurn, letter: number): Hop {
  const headers = addressed(turn.form, turn.source, keptRecord(turn))
  headers.set(letterHeader, Buffer.from(String(letter)))
  if (turn.original !== undefined) headers.set(originalHeader, Buffer.from(turn.original, 'base64'))
  return { value: keptBytes(turn), headers }
}

/** `original` are the source record's value bytes when no step changed the value; null when it has none. */
export function packHop(inputId: string, value: unknown, original: Uint8Array | undefined, record: RecordInfo): Hop {
  const form = original === undefined ? formOf(value) : 'o'
  return { value: original ?? inForm(form, value), headers: addressed(form, inputId, record) }
}

/** The headers of a source record, and where it comes from and goes to. */
function addressed(form: Form, inputId: string, record: RecordInfo): Map<string, Uint8Array | null> {
  const headers = new Map(record.headers)
  headers.set(inputHeader, Buffer.from(form + inputId))
  headers.set(originHeader, Buffer.from(`${record.topic} ${record.partition} ${record.offset}`))
  if (record.key !== null) headers.set(keyHeader, Buffer.from(record.key))
  return headers
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
  read(cursor: RecordCursor): { readonly form: Form; readonly inputId: string } {
    this.#all = cursor.headers()
    this.timestamp = cursor.timestamp
    this.#offset = cursor.offset
    this.#origin = []
    const input = this.#header(inputHeader)
    return { form: input.charAt(0) as Form, inputId: input.slice(1) }
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
    return new Map([...this.#all].filter(([name]) => !ours.has(name)))
  }

  /** Number of the dead letter that is replayed. */
  get letter(): number | undefined {
    const letter = this.#all.get(letterHeader)
    return letter === undefined || letter === null ? undefined : Number(Buffer.from(letter).toString('latin1'))
  }

  /** The value of the source record, as far as it is known, where a step had made another of it. */
  get original(): Uint8Array | null {
    return this.#all.get(originalHeader) ?? null
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

export function hopKey(cursor: RecordCursor): string {
  return keyText(cursor.bytes, cursor.keyStart, cursor.keyEnd)
}
