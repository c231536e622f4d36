import type { core } from 'zod'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { boundsOf, type Bounds } from './avro-bounds.js'
import type { Slot } from './avro-form.js'
import { schemaOf, type AvroSchema } from './avro-schema.js'
import { avroType, nameOf, resolverOf, type AvroType, type Resolver } from './avro-type.js'
import { conversionOf } from './avro-values.js'
import { formOf } from './avro-zod.js'
import { validator, type OutputOf } from '../schema.js'

/** How to read what one schema wrote. */
export interface Source {
  readonly bounds: Bounds
  /** None for what the codec writes itself. */
  readonly resolver?: Resolver
}

/** Values of a zod schema and their bytes in Avro, whatever stands before those. */
export interface AvroCore<V> {
  readonly type: AvroType
  readonly form: Slot
  /** What it writes by. */
  readonly schema: AvroSchema
  /** Throws `DEFINITION_INVALID` when there is no way from that schema to this one. */
  sourceOf(from: AvroType): Source
  encode(value: V): Buffer
  decode(source: Source, bytes: Buffer, start: number, end: number): V
  invalid(why: string, cause?: unknown): MillraceError
}

/** Throws what `avro` throws. */
export function avroCore<S extends core.$ZodType>(
  zod: S,
  name: string | undefined,
  namespace: string,
  given: AvroSchema | undefined,
): AvroCore<OutputOf<S>> {
  const form = formOf(zod, name)
  const schema = given ?? schemaOf(form, namespace)
  const type = avroType(schema)
  const { write, read } = conversionOf(form, type)
  const check = validator(zod) as (value: unknown) => OutputOf<S>
  const invalid = (why: string, cause?: unknown): MillraceError =>
    new MillraceError('VALUE_INVALID', `not an Avro ${nameOf(type)} (${why})`, { cause })

  function decode({ bounds, resolver }: Source, bytes: Buffer, start: number, end: number): OutputOf<S> {
    let value: unknown
    try {
      bounds(bytes, start, end)
      value = type.fromBuffer(bytes.subarray(start, end), resolver, true)
      if (read !== undefined) value = read(value)
    } catch (cause) {
      throw MillraceError.is(cause) ? cause : invalid(reasonOf(cause), cause)
    }
    return check(value)
  }

  function encode(value: OutputOf<S>): Buffer {
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
    return body
  }

  const sourceOf = (from: AvroType): Source =>
    from === type ? { bounds: boundsOf(type) } : { bounds: boundsOf(from), resolver: resolverOf(type, from) }
  return { type, form, schema, sourceOf, encode, decode, invalid }
}

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
