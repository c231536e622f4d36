import { checkedText } from '../utf8.js'
import { invalid, type ConnectSchema, type ConnectType } from './connect-schema.js'
import { exactJson } from './exact-json.js'
import { shownValue } from './scalars.js'

type Fields = Readonly<Record<string, unknown>>

/** `{"schema":…,"payload":…}`: a struct as Connect's `JsonConverter` reads and writes it with `schemas.enable=true`. */
export interface Envelope {
  write(payload: string): string
  /** What is in the payload. Throws `VALUE_INVALID` for what is no such struct, or one of other types. */
  read(bytes: Buffer, start: number, end: number): Fields
}

export function envelopeOf(fields: readonly ConnectSchema[]): Envelope {
  const schema: ConnectSchema = { type: 'struct', optional: false, fields }
  const before = `{"schema":${JSON.stringify(schema)},"payload":`
  const beforeBytes = Buffer.from(before)
  const { length } = beforeBytes

  function isOwn(bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= length || bytes[end - 1] !== 125) return false
    return bytes.compare(beforeBytes, 0, length, start, start + length) === 0
  }

  return {
    write: (payload) => `${before}${payload}}`,
    read(bytes, start, end) {
      // Nearly all have this very schema before them.
      if (isOwn(bytes, start, end)) return structIn(exactJson(checkedText(bytes, start + length, end - 1)))
      const whole = exactJson(checkedText(bytes, start, end))
      if (!isObject(whole) || !Object.hasOwn(whole, 'schema') || !Object.hasOwn(whole, 'payload'))
        throw invalid(
          'no envelope {"schema": …, "payload": …}: was it written with schemas.enable=false? json() reads that',
        )
      demandStruct(whole['schema'], fields)
      return structIn(whole['payload'])
    },
  }
}

function structIn(payload: unknown): Fields {
  if (isObject(payload)) return payload
  if (payload === null)
    throw invalid('the payload is null; a deletion is a record without a value, not an envelope of none')
  throw invalid(`the payload is ${shownValue(payload)}, where an object is needed`)
}

/** The schema that another producer has written must mean the same by the fields that are read here. */
function demandStruct(schema: unknown, wanted: readonly ConnectSchema[]): void {
  const fields = isObject(schema) && schema['type'] === 'struct' ? schema['fields'] : undefined
  if (!Array.isArray(fields)) throw invalid('its schema is no struct with fields')
  const named = new Map(fields.filter(isObject).map((field) => [field['field'], field]))
  for (const want of wanted) {
    const there = named.get(want.field)
    if (there !== undefined && !means(there, want))
      throw invalid(`${want.field}: its schema says ${typeName(there)}, this reads ${typeName(want)}`)
  }
}

/** By the type that is read: those whose values are the same when written as it. */
const narrower: Readonly<Record<string, readonly string[]>> = {
  int32: ['int8', 'int16'],
  int64: ['int8', 'int16', 'int32'],
  float: ['int8', 'int16'],
  double: ['float', 'int8', 'int16', 'int32', 'int64'],
}

/** Debezium's names for what Connect calls otherwise. */
const aliases: Readonly<Record<string, string>> = {
  'io.debezium.time.Timestamp': 'org.apache.kafka.connect.data.Timestamp',
  'io.debezium.time.Date': 'org.apache.kafka.connect.data.Date',
  'io.debezium.time.Time': 'org.apache.kafka.connect.data.Time',
}

function means(there: Fields, want: ConnectType): boolean {
  const type = String(there['type'])
  if (type !== want.type && !(narrower[want.type]?.includes(type) ?? false)) return false
  // Of text the name says what is in it, such as a UUID.
  if (want.type === 'string') return true
  const { name } = there as { readonly name?: string }
  if ((name === undefined ? undefined : (aliases[name] ?? name)) !== want.name) return false
  const scaleOf = ({ parameters }: { readonly parameters?: unknown }): unknown =>
    (parameters as Fields | undefined)?.['scale']
  if (want.parameters !== undefined && scaleOf(there) !== scaleOf(want)) return false
  return want.items === undefined || (isObject(there['items']) && means(there['items'], want.items))
}

function typeName({
  type,
  name,
  items,
}: {
  readonly type?: unknown
  readonly name?: unknown
  readonly items?: unknown
}) {
  const inner: string = isObject(items) ? ` of ${typeName(items)}` : ''
  return `${String(type)}${typeof name === 'string' ? ` ${name}` : ''}${inner}`
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
