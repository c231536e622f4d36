import { object, type core } from 'zod'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { shown } from '../../core/options.js'
import type { Codec } from '../codec.js'
import { own } from '../guarded.js'
import { ownKeyFormat, structKeys } from '../keys.js'
import { validator, type OutputOf } from '../schema.js'
import { rowOf, type Column } from './columns.js'
import { invalid, noForm } from './connect-schema.js'
import { envelopeOf } from './envelope.js'
import { exactJson } from './exact-json.js'
import { objectOf, rowText } from './row-json.js'
import { placeOf } from './unwrap.js'

type Shape = Readonly<Record<string, core.$ZodType>>
type Fields = Readonly<Record<string, unknown>>

/** The fields of a key: each is a column of the primary key. */
export type ConnectKeyFields<S extends Readonly<Record<string, core.$ZodType>>> = {
  readonly [Name in keyof S]: OutputOf<S[Name]>
}

/** Keys that are structs of Connect. To your code a key is text, which `text` and `fields` make and take apart. */
export interface ConnectKey<S extends Readonly<Record<string, core.$ZodType>>> extends Codec<string> {
  /**
   * The text of a key: of a single text field that text; of another single field its JSON (`42`, `true`); of several the JSON array of
   * them, `["EU",42]`, in the order in which they were given. Throws `VALUE_INVALID`.
   */
  text(fields: ConnectKeyFields<S>): string
  /** The fields of such a text. Throws `VALUE_INVALID`. */
  fields(text: string): ConnectKeyFields<S>
}

/**
 * Keys of a topic that a sink of Kafka Connect reads with `JsonConverter` and `schemas.enable=true`: a struct with its schema, whose
 * fields are the columns of the primary key. They may be text, whole numbers, bigints, booleans, dates and timestamps that are always
 * there; anything else is `DEFINITION_INVALID`.
 */
export function connectKey<const S extends Readonly<Record<string, core.$ZodType>>>(shape: S): ConnectKey<S> {
  const schema = object(checkedShape(shape) as never)
  const { columns: parts } = rowOf(schema, 'key', { nested: 'json', separator: '_' })
  parts.forEach((column) => demandKeyColumn(column, shape[column.key] as core.$ZodType))
  const envelope = envelopeOf(parts.map((column) => column.schema))
  const check = validator(schema) as (value: unknown) => Fields
  const [only] = parts.length === 1 ? parts : []
  const textField = only?.form.type.type === 'string' ? only.key : undefined
  const told = only === undefined ? `[${parts.map(({ name }) => name).join(', ')}]` : only.name

  function textOf(fields: Fields): string {
    if (textField !== undefined) return fields[textField] as string
    const texts = parts.map(({ form, key }) => form.write(fields[key]))
    return only === undefined ? `[${texts.join(',')}]` : (texts[0] as string)
  }

  function payloadOf(text: string): Fields {
    if (textField !== undefined) return { [textField]: text }
    const raw = exactJson(only === undefined ? text : `[${text}]`)
    if (!Array.isArray(raw) || raw.length !== parts.length) throw invalid(`${parts.length} fields are needed`)
    return objectOf(parts, Object.fromEntries(parts.map(({ name }, at) => [name, raw[at] as unknown])))
  }

  function fieldsOf(text: string): Fields {
    try {
      const fields = check(payloadOf(text))
      // One key has one text, or turns of one object would be those of two.
      if (textOf(fields) !== text) throw invalid(`its text is ${shown(textOf(fields))}`)
      return fields
    } catch (cause) {
      throw new MillraceError('VALUE_INVALID', `${shown(text)} is no key of ${told} (${reasonOf(cause)})`)
    }
  }

  const read = (bytes: Buffer, start: number, end: number): string =>
    textOf(check(objectOf(parts, envelope.read(bytes, start, end))))
  const write = (text: string): string => envelope.write(rowText(parts, fieldsOf(text)))

  const codec: ConnectKey<S> = {
    // All that tells keys of one topic from those of another: bytes go on in flows where it is the same.
    format: `${textField === undefined ? structKeys : 'connect-key'}(${parts.map(typed).join(', ')})`,
    encode: write,
    decode: (bytes: Uint8Array) => read(asBuffer(bytes), 0, bytes.length),
    text(fields: ConnectKeyFields<S>) {
      const checked = check(fields)
      rowText(parts, checked)
      return textOf(checked)
    },
    fields: (text: string) => fieldsOf(text) as ConnectKeyFields<S>,
  }
  own(codec)
  ownKeyFormat(codec, {
    format: codec.format,
    text(bytes: Buffer, start: number, end: number) {
      try {
        return read(bytes, start, end)
      } catch (cause) {
        const what = `the key cannot be read as the option key of its topic says, a struct of ${told} (${reasonOf(cause)})`
        throw new MillraceError('VALUE_INVALID', what, { cause })
      }
    },
    bytes: write,
  })
  return codec
}

const typed = ({ name, form: { type } }: Column): string => `${name} ${type.name ?? type.type}`

function checkedShape(shape: unknown): Shape {
  const isSchema = (value: unknown): boolean => (value as Partial<core.$ZodType> | null | undefined)?._zod !== undefined
  if (typeof shape === 'object' && shape !== null && !isSchema(shape)) {
    const schemas = Object.values(shape)
    if (schemas.length > 0 && schemas.every(isSchema)) return shape as Shape
  }
  throw new MillraceError(
    'DEFINITION_INVALID',
    `connectKey: ${shown(shape)} in the place of fields; give an object of schemas of zod, such as { symbol: z.string() }`,
  )
}

const keyTypes: ReadonlySet<string> = new Set(['string', 'int32', 'int64', 'boolean'])
const jsonTypes: ReadonlySet<string> = new Set(['object', 'record', 'array', 'tuple'])

function demandKeyColumn({ name, nullable, optional, form }: Column, schema: core.$ZodType): void {
  let hasCodec = false
  const { def, mark } = placeOf(schema, name, { codec: () => void (hasCodec = true) })
  const path = `key.${name}`
  if (nullable || optional) throw noForm(path, 'a field of a key that may be left out', 'let it always be there')
  if (hasCodec) throw noForm(path, 'a codec in a key', 'describe the key as it is written')
  if (keyTypes.has(form.type.type) && mark !== 'json' && !jsonTypes.has(def.type)) return
  throw noForm(path, `a key of zod '${def.type}'`, 'use text, a whole number, a boolean or a date')
}
