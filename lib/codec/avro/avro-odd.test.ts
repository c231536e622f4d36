import { z } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { difference } from '../difference.js'
import { avro } from './avro.js'

const types: readonly (readonly [name: string, schema: z.ZodType])[] = [
  ['int', z.int32()],
  ['long', z.int()],
  ['bigint', z.bigint()],
  ['double', z.number()],
  ['float', z.float32()],
  ['boolean', z.boolean()],
  ['date', z.date()],
  ['bytes', z.instanceof(Uint8Array)],
  ['string', z.string()],
  ['uuid', z.uuid()],
  ['enum', z.enum(['a', 'b'])],
  ['array', z.array(z.int32())],
  ['record', z.object({ a: z.string(), o: z.string().optional() })],
  ['map', z.record(z.string(), z.int32())],
  ['union', z.union([z.string(), z.int32(), z.object({ a: z.string() })])],
  ['nullable', z.string().nullable()],
]

const circle: { a?: unknown } = {}
circle.a = circle
const odd: readonly unknown[] = (
  [
    [NaN, Infinity, -0, 1.5, 2 ** 31, 2 ** 53, 2 ** 63, 5n, 2n ** 63n, true, undefined, null],
    [
      'x',
      'a\ud800',
      '',
      '\uFFFD',
      '\ud7ff',
      `${'long '.repeat(100)}\udc00`,
      '\ud7ff',
      'b',
      `${'long '.repeat(100)}\udc00`,
      Symbol('s'),
      (): number => 1,
      Promise.resolve(1),
    ],
    [new Date(NaN), new Date(-1), new Date(8.64e15), /a/, new Map(), new Set(), new Error('e')],
    [Buffer.from('a'), Uint8Array.of(1), new Uint16Array(2), [], [undefined], [1, NaN], [1n], ['1']],
    [{}, { a: undefined }, { a: 'x' }, { a: 1 }, { a: 'a\ud800' }, { 'a\ud800': 1 }, { a: 1n }, { a: circle }],
    [Object.assign(Object.create(null), { a: 'x' }), new (class Own {})(), circle],
  ] as readonly (readonly unknown[])[]
).flat()

/** What has become of a value: nothing, a refusal, or something that should not be. */
function fate(schema: z.ZodType, value: unknown): string | undefined {
  const codec = avro(schema)
  let encoded: Uint8Array
  try {
    encoded = codec.encode(value as never) as Uint8Array
  } catch (error) {
    return MillraceError.is(error, 'VALUE_INVALID') ? undefined : String(error)
  }
  return difference(value, codec.decode(encoded), { avro: true, drops: true })
}

describe('avro', () => {
  it.each(types)('writes what comes back, or refuses it as VALUE_INVALID: %s', (_name, schema) => {
    const wrong = odd.flatMap((value) => fate(schema, value) ?? [])
    // Bytes come back as the class that the schema names.
    expect(wrong).toEqual(schema === types[7]?.[1] ? ['it is a Buffer and would come back as a Uint8Array'] : [])
  })

  it('checks what it writes as what it reads', () => {
    expect(() => avro(z.object({ id: z.uuid() })).encode({ id: 'x' })).toThrow(/^id: Invalid UUID/)
    expect(() => avro(z.number()).encode(NaN)).toThrow(/received NaN/)
    expect(() => avro(z.object({ a: z.array(z.string()) })).encode({ a: ['x', '\udc00'] })).toThrow(
      'a.1 has half a surrogate pair',
    )
    expect(() => avro(z.record(z.string(), z.int32())).encode({ 'a\ud800': 1 })).toThrow(
      'a key has half a surrogate pair',
    )
  })
})
