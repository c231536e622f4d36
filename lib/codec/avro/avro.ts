import type { core } from 'zod'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { anything, checkOptions, object, type Rules } from '../../core/options.js'
import { avroCore, type Source } from './avro-core.js'
import { framingOf, type AvroHeader } from './avro-header.js'
import { namesOf, type AvroSchema } from './avro-schema.js'
import { avroType } from './avro-type.js'
import type { Codec } from '../codec.js'
import { own } from '../guarded.js'
import type { OutputOf } from '../schema.js'

export interface AvroOptions {
  /** Of the outermost type in the Avro schema. @default the `id` in the meta of the zod schema, or `Value` */
  readonly name?: string
  /** Of the types in the Avro schema, such as `com.acme`. @default none */
  readonly namespace?: string
  /** The Avro schema to write with. @default the one of `avroSchema(schema, name)` */
  readonly schema?: AvroSchema
  /** What stands before each value and says which schema wrote it. @default nothing: all have the same one */
  readonly header?: AvroHeader
  /**
   * The schema that all values which are read were written with, where they have no header. Such a codec only reads.
   * @default the schema to write with
   */
  readonly writer?: AvroSchema
}

/** Names and schemas are looked at where they are used, which says more of them. */
const avroOptions: Rules<AvroOptions> = {
  name: anything,
  namespace: anything,
  schema: anything,
  header: object("a header: { kind: 'schema-id', id } or { kind: 'single-object' }"),
  writer: anything,
}

/**
 * Avro, with the schema made from that of zod. What is read is resolved from the schema it was written with, then checked
 * by zod; so is what is written. `decode` throws `VALUE_INVALID` for bytes that are not such a value, `encode` for what has
 * no place in the schema. Throws `DEFINITION_INVALID` naming the place that has no Avro form, or what makes two schemas incompatible.
 * Source: Avro 1.12 specification, Binary Encoding and Schema Resolution.
 */
export function avro<S extends core.$ZodType>(schema: S, options: AvroOptions = {}): Codec<OutputOf<S>> {
  checkOptions('avro', options, avroOptions)
  const { header, writer } = options
  const [name, namespace] = namesOf(options.name, options.namespace)
  if (header !== undefined && writer !== undefined)
    throw new MillraceError('DEFINITION_INVALID', 'avro: give `writer` or `header`; with a header, writers go into it')
  const values = avroCore(schema, name, namespace, options.schema)
  const framing = header && framingOf(header, values.type)
  const sources = new Map([...(framing?.writers ?? [])].map(([hex, from]) => [hex, values.sourceOf(from)]))
  const headless = values.sourceOf(writer === undefined ? values.type : avroType(writer))
  const headerLength = framing?.header.length ?? 0

  function decodeRange(bytes: Buffer, start: number, end: number): OutputOf<S> {
    const body = start + headerLength
    return values.decode(
      framing === undefined ? headless : sourceAt(bytes, start, Math.min(body, end)),
      bytes,
      body,
      end,
    )
  }

  function sourceAt(bytes: Buffer, start: number, end: number): Source {
    const hex = bytes.toString('hex', start, end)
    const source = sources.get(hex)
    if (source === undefined) throw values.invalid(`${header?.kind} header: ${framing?.unknown(hex)}`)
    return source
  }

  function encode(value: OutputOf<S>): Uint8Array {
    if (writer !== undefined) throw new MillraceError('DEFINITION_INVALID', readsOnly)
    const body = values.encode(value)
    return framing === undefined ? body : Buffer.concat([framing.header, body])
  }

  return own({
    format: 'avro',
    encode,
    decode: (bytes: Uint8Array) => decodeRange(asBuffer(bytes), 0, bytes.length),
    decodeRange,
  })
}

const readsOnly =
  'a codec with the option `writer` only reads, because it could not read what it would write; write with one that has none'
