import { z } from 'zod'
import type { AvroHeader } from './avro-header.js'
import { avroSchema, type AvroSchema } from './avro-schema.js'
import { avro } from './avro.js'
import type { OutputOf } from '../schema.js'

/** What `reader` reads in what `writer` wrote. */
function resolved<R extends z.ZodType, W extends z.ZodType>(reader: R, writer: W, value: z.output<W>): OutputOf<R> {
  const written = avro(writer).encode(value as OutputOf<W>) as Uint8Array
  return avro(reader, { writer: avroSchema(writer) }).decode(written)
}

const object = (type: z.ZodType): z.ZodType => z.object({ it: type })

describe('values of another schema', () => {
  it('have the default of a field that was added', () => {
    const added = z.object({
      a: z.string(),
      b: z.int().default(7),
      c: z.string().optional(),
      d: z.array(z.int()).default([]),
    })
    expect(resolved(added, z.object({ a: z.string() }), { a: 'x' })).toStrictEqual({ a: 'x', b: 7, d: [] })
  })

  it('lose a field that was removed, wherever it stood', () => {
    const before = z.object({
      gone: z.array(z.string()),
      a: z.string(),
      end: z.record(z.string(), z.date()).optional(),
    })
    expect(resolved(z.object({ a: z.string() }), before, { gone: ['x'], a: 'y', end: { z: new Date(1) } })).toEqual({
      a: 'y',
    })
  })

  it('have fields in any order', () => {
    expect(
      resolved(z.object({ b: z.int(), a: z.int() }), z.object({ a: z.int(), b: z.int() }), { a: 1, b: 2 }),
    ).toEqual({ a: 1, b: 2 })
  })

  it('follow an alias when a field or a record was renamed', () => {
    const item = z.object({ sku: z.string() }).meta({ id: 'Article' })
    const before = z.object({ name: z.string(), first: item.optional() })
    const renamed = z.object({ sku: z.string() }).meta({ id: 'Item', aliases: ['Article'] })
    const after = z.object({ fullName: z.string().meta({ aliases: ['name'] }), first: renamed.optional() })
    expect(resolved(after, before, { name: 'x', first: { sku: 'a' } })).toEqual({ fullName: 'x', first: { sku: 'a' } })
  })

  it.each<[string, z.ZodType, z.ZodType, unknown, unknown]>([
    ['int to long', z.int32(), z.int(), -5, -5],
    ['int to bigint', z.int32(), z.bigint(), -5, -5n],
    ['int to float', z.int32(), z.float32(), 5, 5],
    ['int to double', z.int32(), z.number(), 5, 5],
    ['long to bigint', z.int(), z.bigint(), 2 ** 50, 2n ** 50n],
    ['bigint to long', z.bigint(), z.int(), 2n ** 50n, 2 ** 50],
    ['long to double', z.int(), z.number(), 2 ** 50, 2 ** 50],
    ['long to float', z.int(), z.float32(), 2 ** 50, 2 ** 50],
    ['float to double', z.float32(), z.number(), 0.5, 0.5],
    ['text to bytes', z.string(), z.instanceof(Uint8Array), 'é', new Uint8Array([0xc3, 0xa9])],
    ['bytes to text', z.instanceof(Uint8Array), z.string(), Buffer.from('é'), 'é'],
    ['one to nullable', z.int(), z.int().nullable(), 5, 5],
    ['one to a union', z.int(), z.union([z.string(), z.int()]), 5, 5],
    ['one to a branch of numbers', z.int32(), z.union([z.string(), z.number()]), 5, 5],
    ['long to a date', z.int(), z.date(), 5, new Date(5)],
    ['date to a long', z.date(), z.int(), new Date(5), 5],
    ['more symbols', z.enum(['a']), z.enum(['b', 'a']), 'a', 'a'],
    ['items of an array', z.array(z.int32()), z.array(z.number()), [1, 2], [1, 2]],
    ['values of a map', z.record(z.string(), z.int32()), z.record(z.string(), z.int()), { a: 1 }, { a: 1 }],
  ])('are promoted: %s', (_, from, to, written, read) => {
    expect(resolved(object(to), object(from), { it: written })).toStrictEqual({ it: read })
  })

  it.each<[string, z.ZodType, z.ZodType, unknown]>([
    ['a long as a double', z.bigint(), z.number(), 2n ** 53n + 1n],
    ['a long as a float', z.int(), z.float32(), 2 ** 24 + 1],
    ['an int as a float', z.int32(), z.float32(), 2 ** 24 + 1],
  ])('are never rounded without a word: %s', (_, from, to, value) => {
    expect(() => resolved(object(to), object(from), { it: value })).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID', message: expect.stringContaining('without being rounded') }),
    )
  })

  it.each<[string, z.ZodType, z.ZodType, RegExp]>([
    [
      'a field without a default',
      z.object({}),
      z.object({ a: z.int() }),
      /no matching field for default-less Value\.a/,
    ],
    ['double to long', object(z.number()), object(z.int()), /cannot be read as Value/],
    ['text to long', object(z.string()), object(z.int()), /cannot be read as Value/],
    ['fewer symbols', object(z.enum(['a', 'b'])), object(z.enum(['a'])), /cannot be read as Value/],
    ['null where there is none', object(z.int().nullable()), object(z.int()), /cannot be read as Value/],
    [
      'another name',
      z.object({}).meta({ id: 'A' }),
      z.object({}).meta({ id: 'B' }),
      /what A wrote cannot be read as B.*alias/,
    ],
  ])('are refused with the definition, when there is no way: %s', (_, from, to, message) => {
    expect(() => avro(to, { writer: avroSchema(from) })).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringMatching(message) }),
    )
  })

  it('are not taken for another unit of time', () => {
    const micros = {
      type: 'record',
      name: 'Value',
      fields: [{ name: 'it', type: { type: 'long', logicalType: 'timestamp-micros' } }],
    }
    expect(() => avro(object(z.date()), { writer: micros })).toThrow(/cannot be read as Value/)
    expect(avro(object(z.int()), { writer: micros }).decode(Buffer.from([10]))).toEqual({ it: 5 })
  })

  it('match by names without namespaces', () => {
    const writer = avroSchema(z.object({ a: z.int() }), 'com.acme.Order')
    expect(avro(z.object({ a: z.number() }), { name: 'Order', writer }).decode(Buffer.from([2]))).toEqual({ a: 1 })
  })

  it('cannot be written by a codec that reads them', () => {
    const codec = avro(z.object({ a: z.int() }), { writer: avroSchema(z.object({ a: z.int32() })) })
    expect(() => codec.encode({ a: 1 })).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining('only reads') }),
    )
  })
})

describe('a header', () => {
  const v1 = z.object({ name: z.string() })
  const v2 = z.object({ name: z.string(), age: z.int().default(0) })
  const v3 = z.object({ title: z.string().meta({ aliases: ['name'] }), age: z.number().default(0) })
  const schemas: AvroSchema[] = [v1, v2, v3].map((schema) => avroSchema(schema))
  const [s1, s2] = schemas as [AvroSchema, AvroSchema]

  it.each<[string, readonly [AvroHeader, AvroHeader, AvroHeader], string]>([
    [
      'single-object',
      [
        { kind: 'single-object' },
        { kind: 'single-object', writers: [s1] },
        { kind: 'single-object', writers: [s1, s2] },
      ],
      'c301',
    ],
    [
      'schema-id',
      [
        { kind: 'schema-id', id: 1 },
        { kind: 'schema-id', id: 2, writers: { 1: s1 } },
        { kind: 'schema-id', id: 3, writers: { 1: s1, 2: s2 } },
      ],
      '00000000',
    ],
  ])('says which schema wrote each value: %s', (_, [h1, h2, h3], start) => {
    const [one, two, three] = [avro(v1, { header: h1 }), avro(v2, { header: h2 }), avro(v3, { header: h3 })]
    const written = [
      one.encode({ name: 'a' }),
      two.encode({ name: 'b', age: 2 }),
      three.encode({ title: 'c', age: 3.5 }),
    ] as Buffer[]
    expect(written.every((bytes) => bytes.toString('hex').startsWith(start))).toBe(true)
    expect(written.map((bytes) => three.decode(bytes))).toEqual([
      { title: 'a', age: 0 },
      { title: 'b', age: 2 },
      { title: 'c', age: 3.5 },
    ])
    expect(() => one.decode(written[1] as Buffer)).toThrow(
      expect.objectContaining({
        code: 'VALUE_INVALID',
        message: expect.stringMatching(/is not known.*Add the schema/),
      }),
    )
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([0, 0]),
      Buffer.from([0xc3, 1]),
      Buffer.from('{}'),
      Buffer.from('{"name":"not Avro"}'),
    ])
      expect(() => three.decode(bytes)).toThrow(/no such header/)
  })

  it('is laid out as registries and the specification have it', () => {
    expect(Buffer.from(avro(z.string(), { header: { kind: 'schema-id', id: 258 } }).encode('a')).toString('hex')).toBe(
      '00000001020261',
    )
    const single = avro(z.string(), { header: { kind: 'single-object' } })
    expect(Buffer.from(single.encode('a')).toString('hex')).toBe('c301c70345637248018f0261')
  })

  it('is the same for schemas that differ only in documentation, defaults and aliases', () => {
    const told = z.object({ name: z.string().meta({ description: 'x', aliases: ['n'] }) })
    const header: AvroHeader = { kind: 'single-object' }
    expect(avro(v1, { header }).decode(avro(told, { header }).encode({ name: 'a' }) as Uint8Array)).toEqual({
      name: 'a',
    })
  })

  it('does not go together with a writer, nor with an id that is none', () => {
    expect(() => avro(v1, { header: { kind: 'single-object' }, writer: s1 })).toThrow(/`writer` or `header`/)
    expect(() => avro(v1, { header: { kind: 'schema-id', id: -1 } })).toThrow(/'-1' is not the id of a schema/)
    expect(() => avro(v1, { header: { kind: 'schema-id', id: 1, writers: { x: s1 } as never } })).toThrow(
      /is not the id of a schema/,
    )
  })
})
