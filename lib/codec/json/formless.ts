import type { ZodSchema } from '../zod-def.js'

/** What is asked of a schema: see `jsonSchema`. */
export interface Demand {
  readonly bigints: boolean
  readonly writes: boolean
  readonly isField: boolean
}

/** What a schema of zod without a JSON form is called; undefined when it has one. */
export function formless({ _zod }: ZodSchema, { bigints, writes, isField }: Demand): string | undefined {
  const { type, coerce, values = [] } = _zod.def
  switch (type) {
    // It makes a date of the text that dates are written as.
    case 'date':
      return coerce === true ? undefined : 'z.date()'
    case 'bigint':
      return bigints || (coerce === true && !writes) ? undefined : `z.${coerce === true ? 'coerce.' : ''}bigint()`
    case 'literal':
      if (!bigints && values.some((value) => typeof value === 'bigint')) return 'a literal bigint'
      return !isField && values.includes(undefined) ? 'z.literal(undefined)' : undefined
    // In a field of an object it is as good as none.
    case 'undefined':
    case 'void':
      return isField ? undefined : `z.${type}()`
    case 'custom':
      return classWithoutForm(_zod.bag?.Class)
    case 'map':
    case 'set':
    case 'symbol':
    case 'nan':
    case 'function':
    case 'promise':
    case 'file':
      return `z.${type}()`
    default:
      return undefined
  }
}

/** JSON gives plain objects and arrays, and nothing else is an instance of a class. */
function classWithoutForm(Class: unknown): string | undefined {
  if (typeof Class !== 'function' || {} instanceof Class || [] instanceof Class) return undefined
  return `z.instanceof(${Class.name || 'class'})`
}

const codecTo = (from: string, to: string): string => `z.codec(${from}, ${to}, { decode, encode })`

const advice: Readonly<Record<string, string>> = {
  date: `use ${codecTo('z.iso.datetime()', 'z.date()')}, z.coerce.date(), or the milliseconds as z.number()`,
  bigint: `use json(schema, { integers: 'bigint' }), text by ${codecTo('z.string()', 'z.bigint()')}, or avro()`,
  literal: 'use text or a number',
  map: `use z.record() with text keys, an array of pairs, or ${codecTo('…', 'z.map(…)')}`,
  set: `use z.array(), or ${codecTo('z.array(…)', 'z.set(…)')}`,
  custom: `use ${codecTo('z.base64()', 'z.instanceof(Uint8Array)')} for bytes, a codec of its own for other classes, or avro()`,
  undefined: 'use z.null(), or leave it out with .optional()',
  void: 'use z.null(), or leave it out with .optional()',
  nan: 'use z.null()',
  symbol: 'use text',
  promise: 'use the schema inside it, and await the value',
}

/** What to use instead. A schema that is only read may as well be read another way. */
export function adviceFor(type: string, writes: boolean): string {
  return advice[type] ?? `leave it out${writes ? ', or keep what it can be made from' : ''}`
}
