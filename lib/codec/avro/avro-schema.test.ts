import avsc from 'avsc'
import { z } from 'zod'
import { avroSchema } from './avro-schema.js'
import { avro } from './avro.js'

/** The Avro type of a field of this schema, and its default. */
function fieldOf(schema: z.ZodType): unknown {
  const record = avroSchema(z.object({ it: schema }), 'R') as { fields: readonly { name: string }[] }
  const { name: _, ...rest } = record.fields[0] as { name: string }
  return rest
}

describe('avroSchema', () => {
  it.each<[string, z.ZodType, unknown]>([
    ['text', z.string().min(2), 'string'],
    ['an e-mail', z.email(), 'string'],
    ['a template', z.templateLiteral(['a-', z.number()]), 'string'],
    ['a uuid', z.uuid(), { type: 'string', logicalType: 'uuid' }],
    ['a number', z.number().positive(), 'double'],
    ['a 32-bit float', z.float32(), 'float'],
    ['a 32-bit integer', z.int32(), 'int'],
    ['an unsigned 32-bit integer', z.uint32(), 'long'],
    ['an integer', z.int(), 'long'],
    ['an integer, the long way', z.number().int().min(0), 'long'],
    ['a bigint', z.bigint(), 'long'],
    ['a truth value', z.boolean(), 'boolean'],
    ['a date', z.date(), { type: 'long', logicalType: 'timestamp-millis' }],
    ['bytes', z.instanceof(Uint8Array), 'bytes'],
    ['a buffer', z.instanceof(Buffer), 'bytes'],
    ['null', z.null(), 'null'],
    ['nullable', z.string().nullable(), ['null', 'string']],
    ['an enum', z.enum(['a', 'b']), { type: 'enum', name: 'RIt', symbols: ['a', 'b'] }],
    ['literals', z.literal(['a', 'b']), { type: 'enum', name: 'RIt', symbols: ['a', 'b'] }],
    ['a union of literals', z.literal('a').or(z.literal('b')), { type: 'enum', name: 'RIt', symbols: ['a', 'b'] }],
    ['a literal number', z.literal([1, 2]), 'long'],
    ['an enum of numbers', z.enum({ one: 1, two: 2 }), 'long'],
    ['a literal null', z.literal(['a', null]), ['null', { type: 'enum', name: 'RIt', symbols: ['a'] }]],
    ['an array', z.array(z.boolean()), { type: 'array', items: 'boolean' }],
    ['an array with gaps', z.array(z.int().nullable()), { type: 'array', items: ['null', 'long'] }],
    ['a map', z.record(z.string(), z.number()), { type: 'map', values: 'double' }],
    ['a union', z.union([z.string(), z.int(), z.null()]), ['null', 'string', 'long']],
    ['texts in a union', z.union([z.email(), z.literal('none'), z.string()]), 'string'],
    ['branded, read-only, caught', z.string().catch('').readonly().brand('x'), 'string'],
    ['an empty object', z.strictObject({}), { type: 'record', name: 'RIt', fields: [] }],
  ])('has a form for %s', (_, schema, type) => {
    expect(fieldOf(schema)).toEqual({ type })
  })

  it.each<[string, z.ZodType, unknown]>([
    ['optional: null', z.string().optional(), { type: ['null', 'string'], default: null }],
    ['nullish: null', z.string().nullish(), { type: ['null', 'string'], default: null }],
    ['zod’s', z.int().default(3), { type: 'long', default: 3 }],
    ['zod’s, and null as well', z.int().nullable().default(3), { type: ['long', 'null'], default: 3 }],
    ['zod’s, which is null', z.int().nullable().default(null), { type: ['null', 'long'], default: null }],
    [
      'a branch of a union, put first',
      z.union([z.string(), z.int()]).default(3),
      { type: ['long', 'string'], default: 3 },
    ],
    [
      'bytes, as latin1',
      z.instanceof(Uint8Array).default(new Uint8Array([1, 255])),
      { type: 'bytes', default: '\u0001\u00ff' },
    ],
    ['a bigint', z.bigint().default(7n), { type: 'long', default: 7 }],
    ['an array', z.array(z.int()).default([1, 2]), { type: { type: 'array', items: 'long' }, default: [1, 2] }],
    ['a map', z.record(z.string(), z.boolean()).default({}), { type: { type: 'map', values: 'boolean' }, default: {} }],
  ])('has a default: %s', (_, schema, field) => {
    expect(fieldOf(schema)).toEqual(field)
  })

  it('has the default of a record', () => {
    const size = z.object({ width: z.number(), unit: z.string().optional() }).default({ width: 2 })
    expect(fieldOf(size)).toMatchObject({ default: { width: 2 } })
    expect(() => avsc.Type.forSchema(avroSchema(z.object({ size })) as never)).not.toThrow()
  })

  it.each<[string, z.ZodType]>([
    ['a date', z.date().default(() => new Date())],
    ['a value made anew each time', z.string().default(() => crypto.randomUUID())],
    ['a bigint that JSON has no number for', z.bigint().default(2n ** 60n)],
    ['what is not in the first branch further down', z.array(z.int().nullable()).default([1])],
  ])('leaves out a default that it cannot have: %s', (_, schema) => {
    expect(fieldOf(schema)).not.toHaveProperty('default')
  })

  it('takes names, documentation and aliases from meta, and defines a type once', () => {
    const item = z.object({ sku: z.string().meta({ description: 'Ours.', aliases: ['article'] }) }).meta({ id: 'Item' })
    const order = z.object({ first: item, more: z.array(item) }).meta({ id: 'Order', description: 'Of one customer.' })
    expect(avroSchema(order)).toEqual({
      type: 'record',
      name: 'Order',
      doc: 'Of one customer.',
      fields: [
        {
          name: 'first',
          type: {
            type: 'record',
            name: 'Item',
            fields: [{ name: 'sku', type: 'string', doc: 'Ours.', aliases: ['article'] }],
          },
        },
        { name: 'more', type: { type: 'array', items: 'Item' } },
      ],
    })
  })

  it('tells a field with an object about itself only through a wrapper, when the object has an id', () => {
    const item = z.object({ n: z.int() }).meta({ id: 'Thing', aliases: ['Object'] })
    const schema = z.object({ a: item, b: item.optional().meta({ aliases: ['old'] }) })
    expect(avroSchema(schema)).toMatchObject({
      fields: [
        { name: 'a', type: { name: 'Thing', aliases: ['Object'] } },
        { name: 'b', aliases: ['old'] },
      ],
    })
    expect((avroSchema(schema) as { fields: object[] }).fields[0]).not.toHaveProperty('aliases')
  })

  it('names types after where they are, in the namespace of the given name', () => {
    const event = z.discriminatedUnion('type', [
      z.object({ type: z.literal('made') }),
      z.object({ type: z.literal('gone') }),
    ])
    const schema = avroSchema(z.object({ lines: z.array(z.object({ n: z.int() })), event }), 'com.acme.Order')
    expect(schema).toMatchObject({
      name: 'Order',
      namespace: 'com.acme',
      fields: [
        { name: 'lines', type: { items: { name: 'OrderLinesItem' } } },
        { name: 'event', type: [{ name: 'OrderEventMade' }, { name: 'OrderEventGone' }] },
      ],
    })
  })

  it('lets a record hold itself, by getter and by lazy', () => {
    const node = z.object({
      value: z.int(),
      get children() {
        return z.array(node)
      },
    })
    const tail: z.ZodType = z.lazy(() => z.object({ rest: tail.optional() }))
    expect(avroSchema(node, 'a.Node')).toMatchObject({ fields: [{}, { type: { items: 'Node' } }] })
    expect(avroSchema(tail, 'Tail')).toMatchObject({ name: 'Tail', fields: [{ type: ['null', 'Tail'] }] })
  })

  it('takes a namespace as part of the name or beside it', () => {
    const empty = z.object({})
    const header = { kind: 'single-object' } as const
    const [one, other] = [
      avro(empty, { name: 'com.acme.A', header }),
      avro(empty, { name: 'A', namespace: 'com.acme', header }),
    ]
    expect(one.encode({})).toEqual(other.encode({}))
    expect(() => avro(empty, { namespace: 'com-acme' })).toThrow(/'com-acme' cannot be the name of an Avro namespace/)
  })

  it('can be of something else than a record', () => {
    expect(avroSchema(z.string())).toBe('string')
    expect(avroSchema(z.array(z.object({})), 'a.List')).toMatchObject({ items: { name: 'ListItem', namespace: 'a' } })
  })
})

describe('avroSchema says where there is no Avro form, and what to do', () => {
  const inOrder = (price: z.ZodType): z.ZodType => z.object({ items: z.array(z.object({ price })) })

  it.each<[string, z.ZodType, RegExp]>([
    [
      'transform',
      z.string().transform(Number),
      /^Order\.items\[\]\.price: zod 'transform' has no Avro form; .* map\(\)$/,
    ],
    ['preprocess', z.preprocess(String, z.string()), /price: zod 'transform'/],
    // Since zod 4.1.
    ...('codec' in z
      ? [['codec', z.codec(z.string(), z.int(), { decode: Number, encode: String }), /price: zod 'codec'/] as never]
      : []),
    ['pipe', z.string().pipe(z.email()), /price: zod 'pipe'.*single schema/],
    ['set', z.set(z.string()), /price: zod 'set'.*z\.array/],
    ['tuple', z.tuple([z.string()]), /price: zod 'tuple'/],
    ['map', z.map(z.string(), z.string()), /price: zod 'map'.*z\.record/],
    ['intersection', z.object({}).and(z.object({})), /price: zod 'intersection'.*extend/],
    ['any', z.any(), /price: zod 'any'.*`schema`/],
    ['custom', z.custom<string>(), /price: zod 'custom'/],
    ['symbol', z.symbol(), /price: zod 'symbol'/],
    ['loose objects', z.looseObject({}), /price: an object with fields it does not name/],
    ['JSON', z.json(), /price.*: a schema that contains itself with no object in between/],
    ['symbols of other letters', z.enum(['a', 'b-c']), /price: 'b-c' cannot be the name of an Avro enum symbol/],
    [
      'field names of other letters',
      z.object({ 'a b': z.int() }),
      /price\.a b: 'a b' cannot be the name of an Avro field/,
    ],
    ['two of one type', z.union([z.int(), z.date()]), /price: a union with two branches that are long to Avro/],
    ['two arrays', z.union([z.array(z.int()), z.array(z.string())]), /two branches that are array to Avro/],
  ])('%s', (_, schema, message) => {
    expect(() => avroSchema(inOrder(schema), 'com.Order')).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringMatching(message) }),
    )
  })

  it('two types of one name', () => {
    const [a, b] = [z.object({ x: z.int() }), z.object({ y: z.int() })]
    const both = z.object({ ab: z.object({ c: a }), abC: b })
    expect(() => avroSchema(both, 'R')).toThrow(/^R\.ab\.c and R\.abC are both 'RAbC'; give one of them another name/)
  })

  it('what is no schema of zod', () => {
    expect(() => avroSchema({ '~standard': {} } as never)).toThrow(/give a schema of zod 4/)
  })
})
