import type { core } from 'zod'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { anything, checkOptions, object, type Rules } from '../../core/options.js'
import { boundsOf, type Bounds } from './avro-bounds.js'
import { framingOf, type AvroHeader } from './avro-header.js'
import { namesOf, schemaOf, type AvroSchema } from './avro-schema.js'
import { avroType, nameOf, resolverOf, type AvroType, type Resolver } from './avro-type.js'
import { conversionOf } from './avro-values.js'
import { formOf } from './avro-zod.js'
import type { Codec } from '../codec.js'
import { own } from '../guarded.js'
import { validator, type OutputOf } from '../schema.js'

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

/** How to read what one schema wrote. */
interface Source {
  readonly bounds: Bounds
  /** None for what this codec writes itself. */
  readonly resolver?: Resolver
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
  const form = formOf(schema, name)
  const type = avroType(options.schema ?? schemaOf(form, namespace))
  const { write, read } = conversionOf(form, type)
  const check = validator(schema) as (value: unknown) => OutputOf<S>
  const sourceOf = (from: AvroType): Source =>
    from === type ? { bounds: boundsOf(type) } : { bounds: boundsOf(from), resolver: resolverOf(type, from) }
  const framing = header && framingOf(header, type)
  const sources = new Map([...(framing?.writers ?? [])].map(([hex, from]) => [hex, sourceOf(from)]))
  const headless = sourceOf(writer === undefined ? type : avroType(writer))
  const headerLength = framing?.header.length ?? 0

  function decodeRange(bytes: Buffer, start: number, end: number): OutputOf<S> {
    let value: unknown
    try {
      const body = start + headerLength
      const { bounds, resolver } = framing === undefined ? headless : sourceAt(bytes, start, Math.min(body, end))
      bounds(bytes, body, end)
      value = type.fromBuffer(bytes.subarray(body, end), resolver, true)
      if (read !== undefined) value = read(value)
    } catch (cause) {
      throw MillraceError.is(cause) ? cause : invalid(reasonOf(cause), cause)
    }
    return check(value)
  }

  function sourceAt(bytes: Buffer, start: number, end: number): Source {
    const hex = bytes.toString('hex', start, end)
    const source = sources.get(hex)
    if (source === undefined) throw invalid(`${header?.kind} header: ${framing?.unknown(hex)}`)
    return source
  }

  function encode(value: OutputOf<S>): Uint8Array {
    if (writer !== undefined) throw new MillraceError('DEFINITION_INVALID', readsOnly)
    let written: unknown
    let body: Buffer
    try {
      written = write === undefined ? value : write(value)
      body = type.toBuffer(written)
    } catch (cause) {
      throw new MillraceError('VALUE_INVALID', whyUnwritable(type, written) ?? reasonOf(cause), { cause })
    }
    check(value)
    if (body.includes(surrogate) || body.includes(replacement)) demandText(value)
    return framing === undefined ? body : Buffer.concat([framing.header, body])
  }

  function invalid(why: string, cause?: unknown): MillraceError {
    return new MillraceError('VALUE_INVALID', `not an Avro ${nameOf(type)} (${why})`, { cause })
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

/** The first part of a value that its type refuses. */
function whyUnwritable(type: AvroType, value: unknown): string | undefined {
  let first: string | undefined
  const errorHook = (path: readonly string[], part: unknown, at: AvroType): void => {
    first ??= `${[nameOf(type), ...path].join('.')}: ${shown(part)} cannot be written as Avro ${nameOf(at)}`
  }
  try {
    type.isValid(value, { errorHook })
  } catch {
    // It has the sort of value that cannot even be asked.
  }
  return first
}

/** Half a surrogate pair is written as one or the other by avsc: with this first byte in short text, as U+FFFD in long one. */
const surrogate = 0xed
const replacement = Buffer.from('\uFFFD')

/** Throws `VALUE_INVALID` naming the text that has no UTF-8 form. */
function demandText(value: unknown, path = ''): void {
  const wrong = typeof value === 'string' && !value.isWellFormed()
  if (wrong) throw new MillraceError('VALUE_INVALID', `${path === '' ? 'the value' : path} has half a surrogate pair`)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  for (const [key, part] of Object.entries(value)) {
    demandText(key, `a key${path === '' ? '' : ` in ${path}`}`)
    demandText(part, path === '' ? key : `${path}.${key}`)
  }
}

function shown(part: unknown): string {
  switch (typeof part) {
    case 'undefined':
      return 'a missing value'
    case 'string':
      return JSON.stringify(part.slice(0, 40))
    case 'number':
    case 'bigint':
    case 'boolean':
      return `${typeof part} ${part}`
    default:
      return part === null ? 'null' : `this ${Array.isArray(part) ? 'array' : typeof part}`
  }
}
