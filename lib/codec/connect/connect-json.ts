import type { core } from 'zod'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { checkOptions, flag, oneOf, shown, text, type Rules } from '../../core/options.js'
import type { Codec } from '../codec.js'
import { own } from '../guarded.js'
import { wayBack } from '../json/way-back.js'
import { validator, type OutputOf } from '../schema.js'
import { asZod } from '../zod-def.js'
import { rowOf, type Row } from './columns.js'
import type { ConnectSchema } from './connect-schema.js'
import { envelopeOf } from './envelope.js'
import { objectOf, rowText } from './row-json.js'

/** How rows are made of objects. */
export interface ConnectOptions {
  /**
   * What objects within the row are. `flatten`: a column for each of their fields, `address_city`; `json`: one column with text that holds JSON.
   * @default 'flatten'
   */
  readonly nested?: 'flatten' | 'json'
  /** Between the names of which the column of a flattened field is made. @default '_' */
  readonly separator?: string
  /** Whether what is written is checked by the schema, as what is read is. @default true */
  readonly checked?: boolean
}

const connectOptions: Rules<ConnectOptions> = {
  nested: oneOf('flatten', 'json'),
  separator: text,
  checked: flag,
}

/**
 * Rows as sinks of Kafka Connect read them with `JsonConverter` and `schemas.enable=true`: JSON with its schema, derived from that of
 * zod, in each record. docs/connect.md has the types. `encode` and `decode` throw `VALUE_INVALID` naming the column; throws
 * `DEFINITION_INVALID` for what has no form in Connect, and `OPTIONS_INVALID`.
 */
export function connectJson<S extends core.$ZodType>(schema: S, options: ConnectOptions = {}): Codec<OutputOf<S>> {
  const { parts, columns, hasCodec } = checkedRow('connectJson', schema, options)
  const envelope = envelopeOf(columns.map((column) => column.schema))
  const check = validator(schema) as (value: unknown) => OutputOf<S>
  const back = hasCodec ? wayBack(asZod(schema)!) : undefined
  const { checked = true } = options

  function encode(value: OutputOf<S>): string {
    if (back !== undefined) return envelope.write(rowText(parts, back(value)))
    if (checked) check(value)
    return envelope.write(rowText(parts, value))
  }
  const decodeRange = (bytes: Buffer, start: number, end: number): OutputOf<S> =>
    check(objectOf(parts, envelope.read(bytes, start, end)))
  return own({
    format: 'connect-json',
    encode,
    decode: (bytes: Uint8Array) => decodeRange(asBuffer(bytes), 0, bytes.length),
    decodeRange,
    decodeText: (encoded: string) => {
      const bytes = Buffer.from(encoded)
      return decodeRange(bytes, 0, bytes.length)
    },
  })
}

/** The schema of Connect that `connectJson` writes with each row. Throws as it does. */
export function connectSchema(schema: core.$ZodType, options: ConnectOptions = {}): ConnectSchema {
  const { columns } = checkedRow('connectSchema', schema, options)
  return { type: 'struct', optional: false, fields: columns.map((column) => column.schema) }
}

function checkedRow(where: string, schema: core.$ZodType, options: ConnectOptions): Row {
  checkOptions(where, options, connectOptions)
  if ((schema as Partial<core.$ZodType> | undefined)?._zod === undefined)
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${where}: ${shown(schema)} is no schema of zod 4, which columns are made from`,
    )
  const { nested = 'flatten', separator = '_' } = options
  return rowOf(schema, 'value', { nested, separator })
}
