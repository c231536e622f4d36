import { z } from 'zod'
import { topic } from '../../model/stream.js'
import { avroSchema } from './avro-schema.js'
import { avro } from './avro.js'
import type { Codec } from '../codec.js'

/** What is read after a value was written. */
function kept<V>(codec: Codec<V>, value: V): V {
  return codec.decode(codec.encode(value) as Uint8Array)
}

const line = z.object({ sku: z.string(), price: z.number(), note: z.string().optional() })
const order = z.object({ id: z.string(), at: z.date(), lines: z.array(line).min(1) })
const someOrder = { id: 'o-1', at: new Date(1_700_000_000_000), lines: [{ sku: 'größe 🎈', price: 0.1 }] }

describe('avro', () => {
  it('gives back what was encoded, from a range of a larger buffer too', () => {
    const codec = avro(order)
    const encoded = Buffer.from(codec.encode(someOrder))
    const larger = Buffer.concat([Buffer.from('..'), encoded, Buffer.from('..')])
    expect(codec.decode(encoded)).toEqual(someOrder)
    expect(codec.decodeRange?.(larger, 2, 2 + encoded.length)).toEqual(someOrder)
  })

  it('has the type of what zod lets through', () => {
    const codec: Codec<{ id: string; at: Date; lines: { sku: string; price: number; note?: string | undefined }[] }> =
      avro(order)
    const sum = topic('orders', avro(order)).map(({ lines }) => lines.reduce((total, { price }) => total + price, 0))
    // @ts-expect-error: the id is text
    expect(() => codec.encode({ ...someOrder, id: 1 })).toThrow('Value.id')
    expect(sum.node.kind).toBe('map')
  })

  it('writes what the schema says and nothing else, so that anybody can read it', () => {
    expect(Buffer.from(avro(line).encode({ sku: 'a', price: 1 })).toString('hex')).toBe('0261000000000000f03f00')
    expect(Buffer.from(avro(line).encode({ sku: 'a', price: 1, note: 'b' })).toString('hex')).toBe(
      '0261000000000000f03f020262',
    )
  })

  it.each<[string, z.ZodType, readonly unknown[]]>([
    ['optional', z.object({ a: z.string().optional() }), [{}, { a: '' }]],
    ['nullable', z.object({ a: z.int().nullable() }), [{ a: null }, { a: 0 }]],
    ['nullish', z.object({ a: z.int().nullish() }), [{ a: null }, { a: 0 }]],
    [
      'nullable bytes',
      z.object({ a: z.instanceof(Uint8Array).nullable() }),
      [{ a: null }, { a: new Uint8Array([0, 255]) }],
    ],
    ['optional dates', z.object({ a: z.date().optional() }), [{}, { a: new Date(-1) }]],
    ['optional records', z.object({ a: z.object({ b: z.date() }).optional() }), [{}, { a: { b: new Date(0) } }]],
    // Since zod 4.3.
    ...('exactOptional' in z.string()
      ? [['exact optional', z.object({ a: z.string().exactOptional() }), [{}, { a: 'x' }]] as never]
      : []),
    ['default', z.object({ a: z.int().default(3) }), [{ a: 3 }, { a: 4 }]],
    ['gaps', z.array(z.string().optional()), [['a', undefined, 'b'], []]],
    ['maps of dates', z.record(z.string(), z.date()), [{}, { a: new Date(5), 'b c': new Date(6) }]],
    ['enum', z.enum(['new', 'paid']), ['new', 'paid']],
    ['literal', z.literal('a'), ['a']],
    ['literals of several kinds', z.literal(['a', 1, true, null]), ['a', 1, true, null]],
    ['bigint', z.bigint(), [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]],
    [
      'integers beside a bigint',
      z.object({ a: z.int(), b: z.bigint() }),
      [
        { a: 2 ** 53 - 1, b: 1n },
        { a: -(2 ** 52), b: -1n },
      ],
    ],
    ['integers', z.int(), [0, -1, 63, 64, -65, 2 ** 31, -(2 ** 52) - 1, 2 ** 53 - 1, 1 - 2 ** 53]],
    ['32-bit integers', z.int32(), [0, 2 ** 31 - 1, -(2 ** 31)]],
    ['doubles', z.number(), [0.1, -0, Number.MAX_VALUE, Number.MIN_VALUE]],
    ['32-bit floats', z.float32(), [0.5, Math.fround(0.1)]],
    ['bytes', z.instanceof(Uint8Array), [new Uint8Array(0), new Uint8Array([1, 2, 255])]],
    ['values beyond a kilobyte', z.string(), ['x'.repeat(3_000)]],
    [
      'a union of simple values',
      z.union([z.string(), z.int(), z.number(), z.boolean(), z.null()]),
      ['a', 1, 1.5, false, null],
    ],
    ['numbers and bigints', z.union([z.number(), z.bigint()]), [1.5, 5n, 2n ** 60n]],
    ['dates or text', z.union([z.date(), z.string()]).optional(), [new Date(1), 'a', undefined]],
    ['arrays or one', z.union([z.array(z.date()), z.date()]), [[new Date(1)], new Date(2)]],
    ['null', z.null(), [null]],
  ])('keeps %s', (_, schema, values) => {
    for (const value of values) expect(kept(avro(schema), value)).toStrictEqual(value)
  })

  it('reads null for a missing field where both would do', () => {
    expect(kept(avro(z.object({ a: z.int().nullish() })), {})).toEqual({ a: null })
  })

  it('gives a Buffer where a Buffer is asked for', () => {
    expect(Buffer.isBuffer(kept(avro(z.instanceof(Buffer)), Buffer.from('a')))).toBe(true)
    expect(Buffer.isBuffer(kept(avro(z.instanceof(Uint8Array)), Buffer.from('a')))).toBe(false)
  })

  it('keeps the branches of a union apart, by discriminator and by shape', () => {
    const tagged = z.discriminatedUnion('type', [
      z.object({ type: z.literal('made'), at: z.date() }),
      z.object({ type: z.literal('moved'), at: z.date(), to: z.string().optional() }),
    ])
    const shaped = z.union([
      z.object({ street: z.string() }),
      z.object({ box: z.int() }),
      z.record(z.string(), z.int()),
    ])
    for (const value of [{ type: 'made', at: new Date(1) } as const, { type: 'moved', at: new Date(1) } as const])
      expect(kept(avro(tagged), value)).toStrictEqual(value)
    const numbered = z.discriminatedUnion('v', [
      z.object({ v: z.literal(1), a: z.string() }),
      z.object({ v: z.literal(2), a: z.string(), b: z.string().optional() }),
    ])
    expect(kept(avro(numbered), { v: 2, a: 'x', b: 'y' })).toStrictEqual({ v: 2, a: 'x', b: 'y' })
    for (const value of [{ street: 'a' }, { box: 1 }, { other: 2 }])
      expect(kept(avro(shaped), value)).toStrictEqual(value)
  })

  it('keeps values that hold others of their kind', () => {
    const node = z.object({
      at: z.date(),
      get children() {
        return z.array(node)
      },
      get next() {
        return node.optional()
      },
    })
    const leaf = { at: new Date(3), children: [] }
    const tree = { at: new Date(1), children: [{ at: new Date(2), children: [leaf], next: leaf }, leaf] }
    expect(kept(avro(node), tree)).toStrictEqual(tree)
  })

  it('writes the value of a default field that is missing after all', () => {
    const codec = avro(z.object({ a: z.int().default(3) }))
    expect(kept(codec, {} as never)).toEqual({ a: 3 })
  })
})

describe('avro refuses', () => {
  const codec = avro(order, { name: 'Order' })

  it.each<[string, unknown, string]>([
    ['a missing field', { ...someOrder, id: undefined }, 'Order.id: a missing value cannot be written as Avro string'],
    [
      'a wrong type',
      { ...someOrder, lines: [{ sku: 'a', price: '1' }] },
      'Order.lines.0.price: "1" cannot be written as Avro double',
    ],
    ['null for undefined', { ...someOrder, lines: null }, 'Order.lines: null cannot be written as Avro array'],
    ['no date', { ...someOrder, at: new Date(NaN) }, 'Order.at: number NaN cannot be written as Avro long'],
    ['nothing', undefined, 'Order: a missing value cannot be written as Avro Order'],
  ])('to write %s, and says where', (_, value, message) => {
    expect(() => codec.encode(value as never)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID', message }))
  })

  it.each<[string, z.ZodType, unknown, RegExp]>([
    ['fractions as integers', z.int(), 1.5, /number 1.5 cannot be written as Avro long/],
    ['integers that are not exact', z.int(), 2 ** 53, /9007199254740992 cannot be written/],
    ['bigints of more than 64 bits', z.bigint(), 2n ** 63n, /bigint 9223372036854775808 cannot be written/],
    ['numbers for bigints', z.bigint(), 1.5, /number 1.5 cannot be written/],
    ['what is in no branch', z.union([z.string(), z.int()]), true, /boolean true cannot be written as Avro union/],
    ['undefined for null', z.object({ a: z.string().nullable() }), {}, /Value.a: a missing value cannot be written/],
    ['other symbols', z.enum(['a', 'b']), 'c', /"c" cannot be written as Avro Value/],
  ])('to write %s', (_, schema, value, message) => {
    expect(() => avro(schema).encode(value)).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID', message: expect.stringMatching(message) }),
    )
  })

  it('what its schema refuses after reading', () => {
    const loose = avro(z.object({ id: z.string(), n: z.number() }))
    const strict = avro(z.object({ id: z.string(), n: z.number().positive() }))
    const encoded = loose.encode({ id: 'a', n: -1 }) as Uint8Array
    expect(() => strict.decode(encoded)).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID', message: expect.stringMatching(/^n: Too small/) }),
    )
  })

  it('longs that a number would round', () => {
    const encoded = avro(z.object({ n: z.bigint() })).encode({ n: 2n ** 53n + 1n }) as Uint8Array
    expect(() => avro(z.object({ n: z.int() })).decode(encoded)).toThrow(/^n: .*expected number, received bigint/)
  })

  it('schemas that validate asynchronously', () => {
    const slow = avro(z.string().refine(async () => true))
    expect(() => slow.decode(slow.encode('a') as Uint8Array)).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID' }),
    )
  })
})

describe('avro with a schema of its own', () => {
  const given = {
    type: 'record',
    name: 'com.acme.Reading',
    fields: [
      { name: 'sensor', type: { type: 'fixed', name: 'Id', size: 2 } },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'unit', type: ['null', 'string', { type: 'enum', name: 'Unit', symbols: ['C', 'F'] }] },
      { name: 'raw', type: ['int', 'double'] },
      { name: 'extra', type: 'string', default: '' },
    ],
  }
  const reading = z.object({
    sensor: z.instanceof(Uint8Array),
    at: z.date(),
    unit: z.string().optional(),
    raw: z.number(),
    any: z.unknown().optional(),
  })

  it('writes by it', () => {
    const codec = avro(reading.omit({ any: true }), { schema: given })
    const value = { sensor: new Uint8Array([1, 2]), at: new Date(7), unit: 'K', raw: 3 }
    expect(Buffer.from(codec.encode(value)).toString('hex')).toBe('01020e02024b02000000000000084000')
    expect(kept(codec, value)).toStrictEqual(value)
    expect(() => codec.encode({ ...value, sensor: new Uint8Array(3) })).toThrow(
      /Reading.sensor: this object cannot be written/,
    )
  })

  it('takes what zod says nothing about as it is', () => {
    const codec = avro(z.object({ a: z.any() }), {
      schema: { type: 'record', name: 'A', fields: [{ name: 'a', type: 'int' }] },
    })
    expect(kept(codec, { a: 5 })).toEqual({ a: 5 })
  })

  it.each<[string, z.ZodType, unknown, string]>([
    [
      'a field',
      z.object({ more: z.int() }),
      [],
      "R.more: the zod schema allows a field 'more', for which the Avro schema has no place",
    ],
    ['null', z.object({ a: z.int().nullable() }), ['int'], 'R.a: the zod schema allows null'],
    ['undefined', z.object({ a: z.int().optional() }), ['int'], 'R.a: the zod schema allows undefined'],
    ['another type', z.object({ a: z.string() }), ['int'], 'R.a: the zod schema allows string'],
    ['a branch', z.object({ a: z.union([z.string(), z.boolean()]) }), ['string'], 'R.a: the zod schema allows boolean'],
    ['a date', z.object({ a: z.date() }), ['long'], 'R.a: the zod schema allows a date (timestamp-millis)'],
    [
      'other units',
      z.object({ a: z.date() }),
      [{ type: 'long', logicalType: 'timestamp-micros' }],
      'R.a: the zod schema allows a date',
    ],
  ])('says which place of zod it lacks: %s', (_, schema, types, message) => {
    const fields = (types as unknown[]).map((type) => ({ name: 'a', type }))
    const avroOf = { type: 'record', name: 'R', fields }
    expect(() => avro(schema, { name: 'R', schema: avroOf })).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message) }),
    )
  })

  it('says what is wrong with one that is no Avro schema', () => {
    expect(() => avro(z.string(), { schema: 'text' })).toThrow(
      /not an Avro schema that can be used: undefined type name: text/,
    )
  })

  it('is the same when made from its own JSON', () => {
    const json = JSON.parse(JSON.stringify(avroSchema(order, 'Order')))
    expect(avro(order, { schema: json }).encode(someOrder)).toEqual(avro(order, { name: 'Order' }).encode(someOrder))
  })
})
