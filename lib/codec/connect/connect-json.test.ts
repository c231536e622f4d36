import fc from 'fast-check'
import { z } from 'zod'
import { runs } from '../../../test/runs.js'
import { connectJson, connectSchema } from './connect-json.js'

const all = z.object({
  text: z.string(),
  flag: z.boolean(),
  small: z.int32(),
  whole: z.int(),
  large: z.bigint(),
  ratio: z.number(),
  float: z.float32(),
  raw: z.instanceof(Uint8Array),
  kind: z.enum(['a', 'b']),
  at: z.date(),
  ms: z.int().meta({ connect: 'timestamp' }),
  iso: z.iso.datetime().meta({ connect: 'timestamp' }),
  day: z.iso.date().meta({ connect: 'date' }),
  time: z.iso.time({ precision: 3 }).meta({ connect: 'time' }),
  price: z.string().meta({ connect: { decimal: 2 } }),
  cents: z.bigint().meta({ connect: { decimal: 2, precision: 20 } }),
  tags: z.array(z.string()),
  scores: z.array(z.number().nullable()).optional(),
  counts: z.record(z.string(), z.number()),
  lines: z.array(z.object({ sku: z.string(), n: z.int() })).nullable(),
  note: z.string().optional(),
  gone: z.string().nullable(),
  either: z.int().nullish(),
  limit: z.int32().default(7),
  home: z
    .object({ city: z.string(), zip: z.string().optional(), geo: z.object({ lat: z.number() }).nullable() })
    .optional(),
})
type All = z.infer<typeof all>

const words = fc.string({ unit: 'grapheme' }).map((text) => text.toWellFormed())
const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
const dates = fc.date({ noInvalidDate: true })
/** `toISOString` of the years that ISO 8601 writes with four digits. */
const isoDates = fc.date({ noInvalidDate: true, min: new Date('0000-01-01'), max: new Date('9999-12-31') })
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

const rows: fc.Arbitrary<All> = fc.record({
  text: words,
  flag: fc.boolean(),
  small: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  whole: fc.maxSafeInteger(),
  large: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ratio: numbers,
  float: fc.float({ noNaN: true, noDefaultInfinity: true }),
  raw: fc.uint8Array(),
  kind: fc.constantFrom('a' as const, 'b' as const),
  at: dates,
  ms: dates.map(Number),
  iso: isoDates.map((date) => date.toISOString()),
  day: isoDates.map((date) => date.toISOString().slice(0, 10)),
  time: isoDates.map((date) => date.toISOString().slice(11, -1)),
  price: fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }).map((n) => {
    const digits = String(n < 0n ? -n : n).padStart(3, '0')
    return `${n < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
  }),
  cents: fc.bigInt({ min: -(10n ** 20n) + 1n, max: 10n ** 20n - 1n }),
  tags: fc.array(words),
  scores: optional(fc.array(fc.option(numbers))),
  counts: fc.dictionary(
    words.filter((word) => word !== '__proto__'),
    numbers,
  ),
  lines: fc.option(fc.array(fc.record({ sku: words, n: fc.maxSafeInteger() }))),
  note: optional(words),
  gone: fc.option(words),
  either: fc.oneof(fc.constant(null), optional(fc.maxSafeInteger())),
  limit: fc.integer({ min: -5, max: 5 }),
  home: optional(fc.record({ city: words, zip: optional(words), geo: fc.option(fc.record({ lat: numbers })) })),
})

const without = (value: object): unknown =>
  JSON.parse(JSON.stringify(value, (_k, v: unknown) => (typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : v)))
const bytesOf = (encoded: string | Uint8Array): Buffer => Buffer.from(encoded as string)

describe('rows for Connect', () => {
  it('come back as they were', () => {
    for (const codec of [connectJson(all), connectJson(all, { nested: 'json', checked: false })])
      fc.assert(
        fc.property(rows, (row) => {
          const read = codec.decode(bytesOf(codec.encode(row)))
          expect(without(read)).toEqual(without(row))
          expect(read.at).toEqual(row.at)
          expect(read.raw).toEqual(row.raw)
        }),
        { numRuns: runs(100, 5_000) },
      )
  })

  it('are written with their schema, flat', () => {
    const row = z.object({ symbol: z.string(), price: z.number(), at: z.object({ city: z.string() }) })
    const value = { symbol: 'IBM', price: 1.5, at: { city: 'Oslo' } }
    expect(JSON.parse(connectJson(row).encode(value) as string)).toEqual({
      schema: connectSchema(row),
      payload: { symbol: 'IBM', price: 1.5, at_city: 'Oslo' },
    })
  })

  it('are read from a range of a larger buffer, and as text', () => {
    const codec = connectJson(z.object({ a: z.string() }))
    const encoded = codec.encode({ a: 'ä' }) as string
    const larger = Buffer.from(`..${encoded}..`)
    expect(codec.decodeRange?.(larger, 2, larger.length - 2)).toEqual({ a: 'ä' })
    expect(codec.decodeText?.(encoded)).toEqual({ a: 'ä' })
  })
})

describe('a value that its column cannot hold', () => {
  it.each<[what: string, field: z.ZodType, value: unknown, sentence: string | RegExp]>([
    ['NaN', z.number(), NaN, 'a: NaN is no finite number'],
    ['Infinity', z.number(), Infinity, 'a: Infinity is no finite number'],
    ['an int32 that is too large', z.int32(), 2 ** 31, /^a: 2147483648 is no whole number from −2\^31/],
    ['an int32 that is no whole number', z.int32(), 1.5, /^a: 1\.5 is no whole number/],
    ['a whole number that is not exact', z.int(), 2 ** 53, /^a: 9007199254740992 is no whole number/],
    ['a bigint of more than 64 bits', z.bigint(), 2n ** 63n, /^a: 9223372036854775808 is no bigint from/],
    ['a float of more than 32 bits', z.float32(), 1e300, /^a: 1e\+300 is too large for 32 bits/],
    ['half a surrogate pair', z.string(), 'a\ud800', /^a: text with half a surrogate pair/],
    ['a date that is none', z.date(), new Date(NaN), /^a: a Date that is none/],
    [
      'a timestamp beyond those of a Date',
      z.int().meta({ connect: 'timestamp' }),
      8.65e15,
      /^a: 8650000000000000 is farther/,
    ],
    [
      'a timestamp without a zone',
      z.string().meta({ connect: 'timestamp' }),
      '2030-01-31T12:00',
      /^a: .* is no time with a zone/,
    ],
    [
      'a timestamp on no day',
      z.string().meta({ connect: 'timestamp' }),
      '2030-02-30T12:00:00Z',
      /^a: .* is no time with a zone/,
    ],
    [
      'microseconds',
      z.string().meta({ connect: 'timestamp' }),
      '2030-01-31T12:00:00.000001Z',
      /^a: .*finer than milliseconds/,
    ],
    ['a day that is none', z.string().meta({ connect: 'date' }), '2030-02-30', /^a: .* is no day/],
    [
      'a date that is no midnight',
      z.date().meta({ connect: 'date' }),
      new Date(1),
      /^a: .* is no day: it must be midnight in UTC/,
    ],
    ['a time of day that is none', z.string().meta({ connect: 'time' }), '24:00', /^a: .* is no time of day/],
    [
      'a decimal with too many places',
      z.string().meta({ connect: { decimal: 2 } }),
      '1.234',
      /^a: .* more than 2 digits behind the point/,
    ],
    [
      'a decimal with too many digits',
      z.string().meta({ connect: { decimal: 2, precision: 4 } }),
      '100',
      /^a: a decimal of more than 4 digits/,
    ],
    [
      'a decimal of a million digits',
      z.string().meta({ connect: { decimal: 2 } }),
      '1'.repeat(1e6),
      /^a: .* is no decimal/,
    ],
    ['text that is no decimal', z.string().meta({ connect: { decimal: 2 } }), '1e5', /^a: .* is no decimal/],
    ['null in an array', z.array(z.string()), ['a', null], /^a: \[1\] is null/],
    ['a hole in an array', z.array(z.string()), Array.from({ length: 1 }), /^a: \[0\] is undefined/],
    ['a map with a Date', z.record(z.string(), z.any()), { b: new Date(0) }, /^a: .*Date/],
    ['nothing', z.string(), undefined, 'a: undefined, where a value is needed'],
    ['null', z.string().optional(), null, 'a: null, where a value is needed'],
    ['another type', z.string(), 5, 'a: 5 is no text'],
    ['another object', z.instanceof(Uint8Array), { length: 1 }, /^a: .*is no Uint8Array/],
  ])('is refused when it is %s, without the schema too', (_what, field, value, sentence) => {
    const unchecked = connectJson(z.object({ a: field }), { checked: false })
    const error = expect.objectContaining({ code: 'VALUE_INVALID' }) as Error
    expect(() => unchecked.encode({ a: value })).toThrow(sentence)
    expect(() => unchecked.encode({ a: value })).toThrow(error)
    expect(() => connectJson(z.object({ a: field })).encode({ a: value })).toThrow(error)
  })

  it.each([null, 5, 'a', [], undefined])('is refused when the row is %p', (row) => {
    expect(() => connectJson(z.object({ a: z.string() }), { checked: false }).encode(row as never)).toThrow(/the row: /)
  })
})

describe('decimals', () => {
  const codec = connectJson(z.object({ a: z.string().meta({ connect: { decimal: 2 } }) }))
  const payloadOf = (a: string): string =>
    (JSON.parse(codec.encode({ a }) as string) as { payload: { a: string } }).payload.a

  it.each([
    ['12.34', 'BNI='],
    ['0', 'AA=='],
    ['-0.01', '/w=='],
    ['1.27', 'fw=='],
    ['1.28', 'AIA='],
    ['-1.28', 'gA=='],
    ['-1.29', '/38='],
  ])('%s are the bytes of a BigInteger', (text, base64) => {
    expect(payloadOf(text)).toBe(base64)
  })

  it.each([
    ['5', '5.00'],
    ['+007.1', '7.10'],
    ['1.5000', '1.50'],
    ['-0', '0.00'],
  ])('%s are read with all places: %s', (text, read) => {
    expect(codec.decode(bytesOf(codec.encode({ a: text })))).toEqual({ a: read })
  })
})

it.each([
  [null, '2030-01-31T12:00:00+02:00', '2030-01-31T10:00:00.000Z'],
  [0, '2030-01-31T10:00:00Z', '2030-01-31T10:00:00Z'],
  [-1, '2030-01-31T10:00Z', '2030-01-31T10:00Z'],
  [6, '2030-01-31T10:00:00.120000Z', '2030-01-31T10:00:00.120000Z'],
])('times of precision %p come back in UTC: %s', (precision, text, read) => {
  const codec = connectJson(
    z.object({ a: z.iso.datetime({ precision, offset: true } as never).meta({ connect: 'timestamp' }) }),
  )
  expect(codec.decode(bytesOf(codec.encode({ a: text })))).toEqual({ a: read })
})
