import { asBuffer } from '../../core/bytes.js'
import type { Headers, RecordInfo } from '../../core/record.js'
import { formOf, inForm, outOfForm, type Form } from './form.js'
import type { TurnSource } from './turn-source.js'

/** A turn that is to be run later, as it stands in a row; bytes in base64. */
export interface KeptTurn {
  /** Id of its source: see `TurnSource`. */
  readonly source: string
  readonly form: Form
  /** Text where the form is text or JSON, else base64. */
  readonly value: string | null
  /** The value of its record, where a step made another of it. */
  readonly original?: string
  readonly record: KeptRecord
  /** Number of the dead letter that it was. */
  readonly letter?: number
}

interface KeptRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly timestamp: number
  readonly key: string | null
  readonly headers?: readonly (readonly [name: string, value: string | null])[]
}

/** The value bytes of the record behind a turn. `changed`: the value of the turn is another. */
export interface OriginalValue {
  readonly bytes: Uint8Array | null
  readonly changed: boolean
}

export function keepTurn(
  source: string,
  value: unknown,
  record: RecordInfo,
  original: OriginalValue | undefined,
  letter?: number,
): KeptTurn {
  const bytes = original?.bytes ?? undefined
  const unchanged = bytes !== undefined && original?.changed === false
  const form = unchanged ? 'o' : formOf(value)
  const written = unchanged ? bytes : inForm(form, value)
  return {
    source,
    form,
    value: typeof written === 'string' || written === null ? written : base64(written),
    ...(bytes !== undefined && !unchanged ? { original: base64(bytes) } : {}),
    record: keepRecord(record),
    ...(letter === undefined ? {} : { letter }),
  }
}

function keepRecord({ topic, partition, offset, timestamp, key, headers }: RecordInfo): KeptRecord {
  const kept = [...headers].map(([name, value]) => [name, value === null ? null : base64(value)] as const)
  const record = { topic, partition, offset: String(offset), timestamp, key }
  return kept.length === 0 ? record : { ...record, headers: kept }
}

/** The value of a kept turn. Throws what its codec throws. */
export function keptValue(turn: KeptTurn, source: TurnSource): unknown {
  const { form, value, record } = turn
  const codec = source.codecs.get(record.topic)
  if (form === 'n' || value === null) return null
  const bytes = keptBytes(turn) as Buffer
  if (form === 'o' && codec === undefined)
    throw new TypeError(`${source.id} no longer reads ${record.topic}, and its values cannot be read without its codec`)
  return outOfForm(form, codec, bytes, 0, bytes.length)
}

/** The value bytes of the record behind a kept turn, or what a step made of them where they are not known. */
export function keptOriginal(turn: KeptTurn): Uint8Array | null {
  return turn.original === undefined ? keptBytes(turn) : Buffer.from(turn.original, 'base64')
}

/** The value of a kept turn, in its form. */
export function keptBytes({ form, value }: KeptTurn): Buffer | null {
  if (value === null) return null
  return form === 'o' || form === 'b' ? Buffer.from(value, 'base64') : Buffer.from(value)
}

export function keptRecord({ record }: KeptTurn): RecordInfo {
  const { topic, partition, offset, timestamp, key } = record
  const headers: Headers = new Map(
    (record.headers ?? []).map(([name, value]) => [name, value === null ? null : Buffer.from(value, 'base64')]),
  )
  return { topic, partition, offset: BigInt(offset), timestamp, key, headers }
}

const base64 = (bytes: Uint8Array): string => asBuffer(bytes).toString('base64')
