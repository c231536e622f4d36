import { MillraceError } from '../../core/errors.js'
import type { Schema } from '../schema.js'
import { asZod, partsOf, type ZodSchema } from '../zod-def.js'
import { adviceFor, formless } from './formless.js'

/** What is known of a schema whose values are written as JSON. */
export interface JsonSchema {
  /**
   * How a value that the schema gives is written. `same`: as it is; `codec`: by the schema's way back (zod's `encode`);
   * `one-way`: the schema changes what it reads and has no way back; `unknown`: a schema of another library.
   */
  readonly way: 'same' | 'codec' | 'one-way' | 'unknown'
  /** There are places where anything may stand, so that a value may have no JSON form and fit the schema all the same. */
  readonly isOpen: boolean
  /** What is written and read as JSON is the value already, without the schema. */
  readonly isPlain: boolean
}

/** What a schema is used for. */
export interface JsonUse {
  /** Whole numbers may be bigints. */
  readonly bigints: boolean
  /** What the schema gives is written too; otherwise it is enough that it can be read. */
  readonly writes: boolean
  /** There is a way to keep a value that is undefined. @default false */
  readonly mayBeUndefined?: boolean
  /** What is written has been found to fit the schema before. @default false */
  readonly fits?: boolean
}

interface Place {
  readonly path: string
  readonly isField: boolean
}

/**
 * Looks into a schema of zod. Throws `DEFINITION_INVALID` naming the place whose values JSON cannot hold, and what to use
 * there. `root` is what the path begins with.
 */
export function jsonSchema(
  schema: Schema,
  root: string,
  { bigints, writes, mayBeUndefined = false }: JsonUse,
): JsonSchema {
  const zod = asZod(schema)
  if (zod === undefined) return { way: 'unknown', isOpen: true, isPlain: false }
  const seen = new Set<ZodSchema>()
  const found = { codec: false, oneWay: false, isOpen: false, dates: false }

  function refuse({ path }: Place, what: string, advice: string): never {
    throw new MillraceError('DEFINITION_INVALID', `${path}: ${what}; ${advice}`)
  }

  function visit(at: ZodSchema, place: Place): void {
    const { def } = at._zod
    const lacking = formless(at, { bigints, writes, isField: place.isField })
    if (lacking !== undefined)
      refuse(place, `${lacking} has no JSON form, so it could not be read again`, adviceFor(def.type, writes))
    if (seen.has(at)) return
    seen.add(at)
    if (def.type === 'date') found.dates = true
    if (def.type === 'any' || def.type === 'unknown' || def.type === 'custom') found.isOpen = true
    if (def.type === 'transform' || def.type === 'success') found.oneWay = true
    if (def.type === 'pipe') return visitPipe(at, place)
    for (const { schema: part, step, isField } of partsOf(at))
      visit(part, { path: place.path + step, isField: step === '' ? place.isField : isField })
  }

  function visitPipe({ _zod: { def } }: ZodSchema, place: Place): void {
    const from = def.in as ZodSchema
    const to = def.out as ZodSchema
    visit(from, place)
    if (typeof def.transform === 'function' && typeof def.reverseTransform === 'function') {
      found.codec = true
      return
    }
    found.oneWay = true
    if (!writes) return
    // A date writes itself as text, which the other side may read.
    if (to._zod.def.type !== 'date') visit(to, place)
    const [reads, gives] = [jsonTypeOf(from, 'read'), jsonTypeOf(to, 'written')]
    if (reads === undefined || gives === undefined || reads === gives) return
    refuse(
      place,
      `it reads ${reads} and what it gives would be written as ${gives}`,
      'give it a way back with z.codec()',
    )
  }

  visit(zod, { path: root, isField: mayBeUndefined })
  const way = found.oneWay ? 'one-way' : found.codec ? 'codec' : 'same'
  return { way, isOpen: found.isOpen || found.dates || way !== 'same', isPlain: way === 'same' && !found.dates }
}

const jsonTypes: Readonly<Record<string, string>> = {
  string: 'text',
  template_literal: 'text',
  number: 'a number',
  boolean: 'a boolean',
  array: 'an array',
  tuple: 'an array',
  object: 'an object',
  record: 'an object',
}

/** What a schema reads from JSON or would be written as; undefined where that can be several things. */
function jsonTypeOf({ _zod: { def } }: ZodSchema, side: 'read' | 'written'): string | undefined {
  if (def.type === 'pipe') return jsonTypeOf((side === 'read' ? def.in : def.out) as ZodSchema, side)
  if (def.type === 'date') return side === 'written' ? 'text' : undefined
  return def.coerce === true ? undefined : jsonTypes[def.type]
}
