import { z } from 'zod'
import { connectSchema } from './connect-json.js'

const data = 'org.apache.kafka.connect.data.'
const schemaOf = (field: z.ZodType): unknown => {
  const { field: _field, ...schema } = connectSchema(z.object({ a: field })).fields?.[0] ?? {}
  return schema
}
const needed = { optional: false }

describe('the schema of Connect', () => {
  it.each<[what: string, field: z.ZodType, schema: object]>([
    ['text', z.string().min(1), { type: 'string', ...needed }],
    ['formats of text', z.uuid(), { type: 'string', ...needed }],
    ['ISO text without a mark', z.iso.datetime(), { type: 'string', ...needed }],
    ['booleans', z.boolean(), { type: 'boolean', ...needed }],
    ['int32', z.int32(), { type: 'int32', ...needed }],
    ['whole numbers', z.int(), { type: 'int64', ...needed }],
    ['whole numbers by a check', z.number().int(), { type: 'int64', ...needed }],
    ['uint32', z.uint32(), { type: 'int64', ...needed }],
    ['bigints', z.bigint(), { type: 'int64', ...needed }],
    ['numbers', z.number().positive(), { type: 'double', ...needed }],
    ['float32', z.float32(), { type: 'float', ...needed }],
    ['bytes', z.instanceof(Uint8Array), { type: 'bytes', ...needed }],
    ['enums', z.enum(['a', 'b']), { type: 'string', ...needed }],
    ['literals', z.literal([1, 2]), { type: 'int64', ...needed }],
    ['literals of text', z.literal('x'), { type: 'string', ...needed }],
    ['unions of one type', z.union([z.literal('x'), z.uuid(), z.null()]), { type: 'string', optional: true }],
    ['optional', z.string().optional(), { type: 'string', optional: true }],
    ['nullable', z.int32().nullable(), { type: 'int32', optional: true }],
    ['a default', z.int32().default(7), { type: 'int32', ...needed, default: 7 }],
    ['an optional default', z.string().optional().default('x'), { type: 'string', ...needed, default: 'x' }],
    ['a default that is made anew', z.string().default(() => String(Math.random())), { type: 'string', ...needed }],
    [
      'null beside a default, which Connect would put in its place',
      z.int32().nullable().default(7),
      { type: 'int32', optional: true },
    ],
    ['a bigint by default that no double has', z.bigint().default(2n ** 60n + 1n), { type: 'int64', ...needed }],
    ['dates', z.date(), { type: 'int64', name: `${data}Timestamp`, version: 1, ...needed }],
    [
      'milliseconds',
      z.int().meta({ connect: 'timestamp' }),
      { type: 'int64', name: `${data}Timestamp`, version: 1, ...needed },
    ],
    [
      'marks within',
      z.iso.datetime().meta({ connect: 'timestamp' }).optional(),
      { type: 'int64', name: `${data}Timestamp`, version: 1, optional: true },
    ],
    ['days', z.iso.date().meta({ connect: 'date' }), { type: 'int32', name: `${data}Date`, version: 1, ...needed }],
    [
      'times of day',
      z.iso.time().meta({ connect: 'time' }),
      { type: 'int32', name: `${data}Time`, version: 1, ...needed },
    ],
    [
      'decimals',
      z.string().meta({ connect: { decimal: 2 } }),
      {
        type: 'bytes',
        name: `${data}Decimal`,
        version: 1,
        parameters: { scale: '2', 'connect.decimal.precision': '38' },
        ...needed,
      },
    ],
    ['arrays', z.array(z.string()), { type: 'array', items: { type: 'string', ...needed }, ...needed }],
    [
      'arrays with null',
      z.array(z.int32().nullable()),
      { type: 'array', items: { type: 'int32', optional: true }, ...needed },
    ],
    ['arrays of objects, as JSON', z.array(z.object({ b: z.int() })), { type: 'string', ...needed }],
    ['maps, as JSON', z.record(z.string(), z.number()), { type: 'string', ...needed }],
    ['tuples, as JSON', z.tuple([z.string(), z.number()]), { type: 'string', ...needed }],
    ['anything that is marked as JSON', z.any().meta({ connect: 'json' }), { type: 'string', optional: true }],
    ['what is lazy', z.lazy(() => z.int32()), { type: 'int32', ...needed }],
    ['what is wrapped', z.string().catch('c').readonly().brand('b'), { type: 'string', ...needed }],
  ])('of %s', (_what, field, schema) => {
    expect(schemaOf(field)).toEqual(schema)
  })

  it('has a column for each field of an object within, or one with JSON', () => {
    const row = z.object({
      id: z.int32(),
      at: z.object({ city: z.string(), geo: z.object({ lat: z.number() }) }).optional(),
    })
    const names = (options?: Parameters<typeof connectSchema>[1]) =>
      connectSchema(row, options).fields?.map(({ field, type, optional }) => [field, type, optional])
    expect(names()).toEqual([
      ['id', 'int32', false],
      ['at_city', 'string', true],
      ['at_geo_lat', 'double', true],
    ])
    expect(names({ separator: '.' })?.[2]?.[0]).toBe('at.geo.lat')
    expect(names({ nested: 'json' })).toEqual([
      ['id', 'int32', false],
      ['at', 'string', true],
    ])
  })
})

interface Tree {
  readonly inner?: Tree | undefined
}
const tree: z.ZodType<Tree> = z.object({ inner: z.lazy(() => tree).optional() })

describe('no form in Connect', () => {
  it.each<[what: string, field: z.ZodType, sentence: string | RegExp]>([
    [
      'any',
      z.any(),
      `value.a: zod 'any' has no Connect form; let it be text that holds JSON, with .meta({ connect: 'json' })`,
    ],
    ['unions', z.union([z.string(), z.number()]), /value\.a: a union of different types has no/],
    ['unions of objects', z.union([z.object({}), z.object({ b: z.int() })]), /a union with objects has no/],
    ['mixed literals', z.literal(['a', 1]), /literals of string and number/],
    ['transforms', z.string().transform(Number), /'transform' has no .* way back with z\.codec/],
    ['transforms in JSON', z.array(z.object({ b: z.string().transform(Number) })), /DEFINITION|transform/],
    ['sets', z.set(z.string()), /'set' has no .* use z\.array/],
    ['maps', z.map(z.string(), z.int()), /'map' has no .* use z\.record/],
    ['bigints in JSON', z.record(z.string(), z.bigint()), /value\.a\{\}.*JSON form/],
    ['functions', z.custom<() => void>(), /'custom'/],
    ['null alone', z.null(), /'null'/],
    ['undefined in arrays', z.array(z.string().optional()), /value\.a\[\]: an item that may be undefined/],
    ['what contains itself', tree, /contains itself/],
    ['loose objects', z.looseObject({ b: z.int() }), /fields that it does not name/],
    [
      'an absent object that looks like an empty one',
      z.object({ b: z.int().optional() }).optional(),
      /would be the same/,
    ],
    [
      'a mark that there is not',
      z.string().meta({ connect: 'datetime' }),
      /\.meta\(\{ connect: … \}\) is text \("datetime"\)/,
    ],
    [
      'a decimal with more places than digits',
      z.string().meta({ connect: { decimal: 5, precision: 3 } }),
      /precision at least/,
    ],
    ['a decimal of a double', z.number().meta({ connect: { decimal: 2 } }), /use z\.string\(\), which has 12\.34/],
    ['a day of a number', z.int().meta({ connect: 'date' }), /a date of zod 'number'/],
    ['a timestamp of a boolean', z.boolean().meta({ connect: 'timestamp' }), /a timestamp of zod 'boolean'/],
  ])('have %s', (_what, field, sentence) => {
    expect(() => connectSchema(z.object({ a: field }))).toThrow(sentence)
    expect(() => connectSchema(z.object({ a: field }))).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  })

  it('has what is no row', () => {
    expect(() => connectSchema(z.string())).toThrow(/a row is an object/)
    expect(() => connectSchema(z.object({}))).toThrow(/without fields/)
    expect(() => connectSchema(z.object({ a: z.int() }).nullable())).toThrow(/a deletion is a record without a value/)
    expect(() => connectSchema({} as never)).toThrow(/no schema of zod 4/)
    expect(() => connectSchema(z.object({ a: z.int() }), { nested: 'xml' } as never)).toThrow(/nested/)
  })

  it('have two fields that would be one column', () => {
    const both = z.object({ a_b: z.int(), a: z.object({ b: z.int() }) })
    expect(() => connectSchema(both)).toThrow("value.a_b and value.a.b would both be the column 'a_b'; rename one")
    expect(connectSchema(both, { separator: '.' }).fields?.map(({ field }) => field)).toEqual(['a_b', 'a.b'])
  })
})
