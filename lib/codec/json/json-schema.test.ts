import { z } from 'zod'
import * as mini from 'zod/mini'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { avro } from '../avro/avro.js'
import { isSchema, type Schema } from '../schema.js'
import { json } from './json.js'

interface Tree {
  at: Date
  next?: Tree | undefined
}
const tree: z.ZodType<Tree> = z.object({ at: z.date(), next: z.lazy(() => tree).optional() })

/** Each with what is said of it where it is to be read and written. */
const formless: readonly (readonly [name: string, schema: Schema, said: string])[] = [
  ['a date', z.date(), 'state: z.date() has no JSON form'],
  ['a map', z.map(z.string(), z.number()), 'state: z.map() has'],
  ['a set', z.set(z.string()), 'state: z.set() has'],
  ['a bigint', z.bigint(), 'state: z.bigint() has'],
  ['a 64-bit integer', z.int64(), 'state: z.bigint() has'],
  ['a coerced bigint', z.coerce.bigint(), 'state: z.coerce.bigint() has'],
  ['a literal bigint', z.literal(5n), 'state: a literal bigint has'],
  ['bytes', z.instanceof(Uint8Array), 'state: z.instanceof(Uint8Array) has'],
  ['an instance', z.instanceof(class Money {}), 'state: z.instanceof(Money) has'],
  ['undefined', z.undefined(), 'state: z.undefined() has'],
  ['void', z.void(), 'state: z.void() has'],
  ['a symbol', z.symbol(), 'state: z.symbol() has'],
  ['NaN', z.nan(), 'state: z.nan() has'],
  // A schema since zod 4.1.
  ...(isSchema(z.function()) ? [['a function', z.function() as never, 'state: z.function() has'] as const] : []),
  ['a promise', z.promise(z.string()) as never, 'state: z.promise() has'],
  ['a file', z.file(), 'state: z.file() has'],
  ['a date in an object', z.object({ at: z.date() }), 'state.at: z.date() has'],
  ['a date in an odd field', z.object({ 'a b': z.date() }), 'state["a b"]: z.date() has'],
  ['a date in a list', z.object({ items: z.array(z.object({ at: z.date() })) }), 'state.items[].at: z.date() has'],
  ['a date in a tuple', z.tuple([z.string(), z.date()]), 'state[1]: z.date() has'],
  ['a date in the rest of a tuple', z.tuple([z.string()], z.date()), 'state[]: z.date() has'],
  ['a date in a record', z.record(z.string(), z.date()), 'state{}: z.date() has'],
  ['a date in a union', z.union([z.string(), z.date()]), 'state: z.date() has'],
  ['a date in an intersection', z.intersection(z.object({}), z.object({ at: z.date() })), 'state.at: z.date() has'],
  ['an optional date', z.object({ at: z.date().optional() }), 'state.at: z.date() has'],
  ['a date that may be null', z.object({ at: z.date().nullable() }), 'state.at: z.date() has'],
  ['a date with a default', z.object({ at: z.date().default(new Date(0)) }), 'state.at: z.date() has'],
  ['a refined date', z.date().min(new Date(0)), 'state: z.date() has'],
  ['a branded, frozen date', z.object({ at: z.date().brand<'at'>().readonly() }), 'state.at: z.date() has'],
  ['a date that is caught', z.date().catch(new Date(0)), 'state: z.date() has'],
  ['a date in what contains itself', tree, 'state.at: z.date() has'],
  ['a date among other fields', z.object({}).catchall(z.date()), 'state{}: z.date() has'],
  [
    'a pipe into a map',
    z
      .array(z.string())
      .pipe(z.transform(() => new Map()))
      .pipe(z.map(z.any(), z.any())),
    'state: z.map() has',
  ],
  ['undefined in a list', z.array(z.undefined()), 'state[]: z.undefined() has'],
  [
    'text that becomes a number',
    z.string().transform(Number).pipe(z.number()),
    'state: it reads text and what it gives would be written as a number',
  ],
  ['a date of zod/mini', mini.object({ at: mini.date() }), 'state.at: z.date() has'],
]

/** Those that JSON can be read as, though nothing can be written by them. */
const readable = new Set(['a coerced bigint', 'text that becomes a number', 'a pipe into a map'])

const formed: readonly (readonly [name: string, schema: Schema])[] = [
  [
    'all that JSON has',
    z.object({ a: z.string(), b: z.number(), c: z.boolean(), d: z.null(), e: z.array(z.enum(['x'])) }),
  ],
  ['formats', z.object({ a: z.uuid(), b: z.int(), c: z.templateLiteral(['a', z.number()]), d: z.iso.datetime() })],
  ['anything', z.object({ a: z.any(), b: z.unknown(), c: z.custom(), d: z.json() })],
  ['a coerced date', z.object({ at: z.coerce.date() })],
  ['a transform', z.string().transform((text) => text.trim())],
  [
    'a date from text, one way',
    z
      .string()
      .transform((text) => new Date(text))
      .pipe(z.date()),
  ],
  ['what is done before', z.preprocess((value) => value, z.string())],
  ['undefined in a field', z.object({ a: z.undefined(), b: z.string().or(z.undefined()), c: z.void() })],
  ['objects and arrays as instances', z.tuple([z.instanceof(Object), z.instanceof(Array)])],
  [
    'what contains itself',
    z.object({
      get next() {
        return z.array(z.lazy(() => formedTree))
      },
    }),
  ],
  ['another library', { '~standard': { version: 1, vendor: 'other', validate: (value: unknown) => ({ value }) } }],
]
const formedTree: z.ZodType = z.object({ next: z.lazy(() => formedTree).optional() })

const asState = (state: Schema): unknown => stateObject('user', { state, init: () => ({}) as never })
const asPayload = (payload: Schema): unknown =>
  stateObject('user', { state: z.object({}), init: () => ({}) }).timers({ wake: payload })

describe('a schema without a JSON form:', () => {
  it.each(formless)('%s is refused as state, naming the place', (_name, schema, said) => {
    expect(() => asState(schema)).toThrow(`state object 'user': ${said}`)
    expect(() => asState(schema)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', kind: 'user' }))
  })

  // What is undefined has a way: null stands for it.
  it.each(formless.filter(([name]) => name !== 'undefined' && name !== 'void'))(
    '%s is refused as what a timer carries',
    (_name, schema, said) => {
      expect(() => asPayload(schema)).toThrow(`state object 'user': timer 'wake': ${said.replace(/^state/, 'payload')}`)
    },
  )

  it.each(formless.filter(([name]) => !readable.has(name)))('%s is refused as a topic', (_name, schema, said) => {
    expect(() => topic('orders', schema)).toThrow(`topic 'orders': ${said.replace(/^state/, 'value')}`)
    expect(() => json(schema)).toThrow(said.replace(/^state/, 'value'))
  })

  it.each(formless.filter(([name]) => readable.has(name)))('%s may be a topic that is read', (_name, schema) => {
    expect(() => topic('orders', schema)).not.toThrow()
  })

  it('is told what to use instead', () => {
    expect(() => asState(z.object({ at: z.date() }))).toThrow(
      /use z\.codec\(z\.iso\.datetime\(\), z\.date\(\), \{ decode, encode \}\), z\.coerce\.date\(\), or the milliseconds as z\.number\(\)$/,
    )
    expect(() => asState(z.bigint())).toThrow(/integers: 'bigint'.* or avro\(\)$/)
  })

  it('may be state with another codec', () => {
    const state = z.object({ at: z.date(), cents: z.bigint() })
    const init = (): z.infer<typeof state> => ({ at: new Date(0), cents: 0n })
    expect(() => stateObject('user', { state, init, codec: avro(state) })).not.toThrow()
  })

  it('may have bigints where whole numbers are read so', () => {
    expect(() => json(z.object({ id: z.bigint(), kind: z.literal(5n) }), { integers: 'bigint' })).not.toThrow()
  })
})

describe('a schema with a JSON form:', () => {
  it.each(formed)('%s is taken everywhere', (_name, schema) => {
    for (const use of [asState, asPayload, json, (each: Schema) => topic('orders', each)])
      expect(() => use(schema)).not.toThrow()
  })
})
