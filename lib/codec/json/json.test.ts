import * as fc from 'fast-check'
import { z } from 'zod'
import { MillraceError } from '../../core/errors.js'
import type { Codec } from '../codec.js'
import type { Schema } from '../schema.js'
import { json, jsonState } from './json.js'

const anything = z.any()
const read = (codec: Codec<unknown>, text: string): unknown => codec.decode(Buffer.from(text))
const text = (codec: Codec<unknown>, value: unknown): string => codec.encode(value) as string
/** What it gives, or the code of what it throws. */
function attempt(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return MillraceError.is(error) ? error.code : error
  }
}

describe('whole numbers that are read', () => {
  const safe = ['0', '-0', '[9007199254740991]', '-9007199254740991', '{"a":1767225600000000}', '[1,\n 2]']
  it.each(safe)('are what they are: %s', (source) => {
    expect(read(json(anything), source)).toEqual(JSON.parse(source))
    expect(read(json(anything, { integers: 'bigint' }), source)).toEqual(JSON.parse(source))
  })

  it.each([
    ['9007199254740993', 9007199254740993n, '9007199254740993 is not exact'],
    ['[1, 9007199254740992]', [1, 9007199254740992n], '[1]: 9007199254740992 is not exact'],
    ['{"a":{"b c":-9007199254740992}}', { a: { 'b c': -9007199254740992n } }, 'a["b c"]: -9007199254740992 is not'],
    ['{"id": 12345678901234567890 }', { id: 12345678901234567890n }, 'id: 12345678901234567890 is not exact'],
    ['{"at":1767225600000000000.0}', { at: 1767225600000000000n }, 'at: 1767225600000000000.0 is not exact'],
    [`[${'9'.repeat(400)}]`, [BigInt('9'.repeat(400))], 'is too large for a number'],
    ['{"é":[\n\t18446744073709551615]}', { é: [18446744073709551615n] }, 'is not exact'],
  ])('beyond 2^53 are refused, or bigints: %s', (source, value, said) => {
    expect(() => read(json(anything), source)).toThrow(said)
    expect(() => read(json(anything), source)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
    expect(read(json(anything, { integers: 'bigint' }), source)).toEqual(value)
  })

  it.each([
    ['{"card":"1234567890123456"}'],
    ['{"a":"x, 1234567890123456789 \\" ,1234567890123456789"}'],
    ['{"1234567890123456789":1}'],
    ['[0.30000000000000004, 123456789012345.67890123456789]'],
    ['[1.7976931348623157e308, 1e-400, 12345678901234567e5, 4.9406564584124654e-324]'],
  ])('are not looked for in text, and floats are floats: %s', (source) => {
    expect(read(json(anything), source)).toEqual(JSON.parse(source))
    expect(read(json(anything, { integers: 'bigint' }), source)).toEqual(JSON.parse(source))
  })

  it.each(['1e400', '{"a":[-1E+999]}'])('may not be Infinity: %s', (source) => {
    expect(() => read(json(anything), source)).toThrow(/is too large for a number/)
    expect(() => read(json(z.union([z.number(), z.object({ a: z.array(z.number()) })])), source)).toThrow(
      /Invalid input/,
    )
  })

  it('are exact or refused, whatever stands around them', () => {
    const whole = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })
    const around = fc.tuple(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 }), fc.string())
    fc.assert(
      fc.property(whole, around, (id, [before, name]) => {
        const source = JSON.stringify({ before, [`n${name}`]: [{ id: 'here' }] }).replace(/"here"/, String(id))
        const isSafe = BigInt(Number(id)) === id && Number.isSafeInteger(Number(id))
        const value = (known: unknown): unknown => ({ before, [`n${name}`]: [{ id: known }] })
        expect(read(json(anything, { integers: 'bigint' }), source)).toEqual(value(isSafe ? Number(id) : id))
        expect(attempt(() => read(json(anything), source))).toEqual(isSafe ? value(Number(id)) : 'VALUE_INVALID')
      }),
    )
  })
})

describe("json(schema, { integers: 'bigint' })", () => {
  const item = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('big'), n: z.bigint() }),
    z.object({ kind: z.literal('small'), n: z.number() }),
  ])
  interface Node {
    id: bigint
    next?: Node | undefined
  }
  const node: z.ZodType<Node> = z.object({ id: z.bigint(), next: z.lazy(() => node).optional() })
  const schema = z.object({
    id: z.bigint(),
    price: z.number(),
    items: z.array(item),
    pair: z.tuple([z.bigint(), z.number()]).optional(),
    by: z.record(z.string(), z.bigint().nullable()).default({}),
    node: node.optional(),
    either: z.union([z.number(), z.bigint()]).optional(),
    tag: z.literal([7n, 'x']).optional(),
  })
  const codec = json(schema, { integers: 'bigint' })

  it('gives bigints where the schema says so, small ones too, and writes them as whole numbers', () => {
    const value = {
      id: 5n,
      price: 2,
      items: [
        { kind: 'big' as const, n: 2n ** 63n },
        { kind: 'small' as const, n: 1 },
      ],
      pair: [0n, 0.5] as [bigint, number],
      by: { a: 1n, ['__proto__x']: null },
      node: { id: 1n, next: { id: 2n ** 64n } },
      either: 2n ** 60n,
      tag: 7n as const,
    }
    const source = codec.encode(value) as string
    expect(source).toContain('"id":5,"price":2,"items":[{"kind":"big","n":9223372036854775808}')
    expect(codec.decode(Buffer.from(source))).toEqual(value)
  })

  it('refuses large ones where the schema wants numbers', () => {
    expect(() => read(codec as never, '{"id":1,"price":9007199254740993,"items":[]}')).toThrow(/^price: .*number/)
  })

  it('keeps numbers numbers: they are written with an exponent where they may be rounded', () => {
    const open = json(anything, { integers: 'bigint' }) as Codec<unknown>
    const value = [2 ** 60, -(2 ** 53), 1e21, 0.1, -0, 2n ** 60n]
    expect(text(open, value)).toBe('[1.152921504606847e+18,-9.007199254740992e+15,1e+21,0.1,-0,1152921504606846976]')
    expect(read(open, text(open, value))).toEqual(value)
  })
})

describe('numbers that are written', () => {
  it('come back the same from where this library reads, all there are', () => {
    const codec = json(z.number()) as Codec<unknown>
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(read(codec, text(codec, value))).toBe(value)
      }),
    )
    for (const value of [2 ** 53, -(2 ** 53), 2 ** 63, -0]) expect(read(codec, text(codec, value))).toBe(value)
  })
})

describe('text', () => {
  it('that is not UTF-8 is refused, with the place', () => {
    const at = (bytes: readonly (string | number)[]): Buffer =>
      Buffer.concat(bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))
    const codec = json(anything)
    expect(codec.decode(at(['"a\uFFFD"']))).toBe('a\uFFFD')
    expect(() => codec.decode(at(['"a', 0xe9, '"']))).toThrow(/not UTF-8 \(at byte 2\)/)
    expect(() => codec.decode(at(['"\uFFFDä\uFFFD', 0xff, '"']))).toThrow(/not UTF-8 \(at byte 9\)/)
    const larger = at(['..', '"a', 0xe9, '"', '..'])
    expect(() => codec.decodeRange?.(larger, 2, 6)).toThrow(/not UTF-8 \(at byte 2\)/)
    expect(() => codec.decodeRaw?.(at(['"', 0xed, 0xa0, 0x80, '"']))).toThrow(/not UTF-8/)
  })

  it('with half a surrogate pair survives', () => {
    const codec = json(anything) as Codec<unknown>
    expect(read(codec, text(codec, { '\udc00': 'a\ud800' }))).toEqual({ '\udc00': 'a\ud800' })
  })

  it('that says __proto__ gives a field of that name', () => {
    const source = '{"__proto__":{"a":1},"id":9007199254740993}'
    const value = read(json(anything, { integers: 'bigint' }), source) as object
    expect(Object.getOwnPropertyNames(value)).toEqual(['__proto__', 'id'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it('of 100,000 lists in each other is a value like another', () => {
    const codec = json(z.array(z.any()))
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(codec.decode(Buffer.from(deep))).toHaveLength(1)
    expect(() => codec.encode(codec.decode(Buffer.from(deep)))).toThrow(/nested too deeply/)
    const large = '['.repeat(100_000) + '9007199254740993' + ']'.repeat(100_000)
    expect(() => codec.decode(Buffer.from(large))).toThrow(/nested too deeply/)
  })
})

class Money {
  readonly cents = 5
}

describe('a value that is written', () => {
  const order = json(z.object({ id: z.string(), n: z.number().int(), at: z.date().optional() }).omit({ at: true }))

  it('is checked by the schema', () => {
    expect(() => order.encode({ id: 'a', n: 1.5 })).toThrow(/^n: .*int/)
    expect(() => order.encode({ n: 1 } as never)).toThrow(/^id: .*string/)
    expect(() => order.encode(undefined as never)).toThrow(/expected object/)
    expect(order.encode({ id: 'a', n: 1, more: 2 } as never)).toBe('{"id":"a","n":1,"more":2}')
  })

  it('is not where that is switched off, and has a form all the same', () => {
    const open = json(z.object({ n: z.number() }), { checked: false })
    expect(open.encode({ n: 'a' } as never)).toBe('{"n":"a"}')
    expect(() => open.encode({ n: NaN })).toThrow('n is NaN and would come back as null')
    expect(() => open.decode(Buffer.from('{"n":"a"}'))).toThrow(/^n: /)
  })

  const odd: readonly (readonly [what: string, value: unknown, said: string])[] = [
    ['undefined', undefined, 'it is undefined'],
    ['NaN', { a: [NaN] }, 'a[0] is NaN and would come back as null'],
    ['undefined in a list', [1, undefined], '[1] is undefined and would come back as null'],
    ['a function', { a: () => 1 }, 'a is a function and would be lost'],
    ['a symbol', { a: Symbol('s') }, 'a is a symbol and would be lost'],
    ['a bigint', { a: 1n }, "a is a bigint (1n), which JSON has no form for: use json(schema, { integers: 'bigint' })"],
    ['a promise', { a: Promise.resolve() }, 'a is a promise'],
    ['a map', new Map(), 'it is a Map'],
    ['bytes', { a: { b: new Uint8Array(1) } }, 'a.b is a Uint8Array'],
    ['no date', [new Date(NaN)], '[0] is a Date'],
    ['an error', new Error('e'), 'it is an Error'],
    [
      'a getter that throws',
      Object.defineProperty({}, 'a', {
        enumerable: true,
        get: () => {
          throw new Error('no')
        },
      }),
      'it cannot be read (no)',
    ],
    [
      'NaN in what toJSON gives',
      {
        a: {
          toJSON: 1,
          b: new (class {
            toJSON = undefined
            n = NaN
          })(),
        },
      },
      'a.b.n is NaN',
    ],
  ]
  it.each(odd)('is refused, naming the place, where JSON has no form for it: %s', (_what, value, said) => {
    expect(() => json(anything).encode(value)).toThrow(said)
    expect(() => json(anything).encode(value)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })

  it('may be an instance of a class, when the schema takes what is written of it', () => {
    expect(json(z.object({ cents: z.number() })).encode(new Money())).toBe('{"cents":5}')
    expect(json(anything).encode({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
    const odd = new (class {
      readonly cents = 5
      toJSON(): string {
        return 'five'
      }
    })()
    expect(() => json(z.object({ cents: z.number() })).encode(odd)).toThrow(/expected object/)
  })

  it('must come back the same where a schema has no way back', () => {
    const trimmed = json(z.object({ a: z.string().transform((value) => value.trim()) }))
    expect(trimmed.encode({ a: 'x' })).toBe('{"a":"x"}')
    expect(() => trimmed.encode({ a: ' x' })).toThrow('a is " x" and would come back as "x"')
    const length = json(z.string().transform((value) => value.length))
    expect(() => length.encode(5)).toThrow(/could not be read again/)
    const dates = json(z.object({ at: z.string().transform((value) => new Date(value)) }))
    expect(dates.encode({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
    expect(json(z.coerce.date()).encode(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"')
  })

  it('is asked the same by schemas of other libraries', () => {
    const upper: Schema<string> = {
      '~standard': {
        version: 1,
        vendor: 'other',
        validate: (value) =>
          typeof value === 'string' && value === value.toLowerCase()
            ? { value: value.toUpperCase() }
            : { issues: [{ message: 'not lower case' }] },
      },
    }
    expect(() => json(upper).encode('A')).toThrow('not lower case')
    expect(() => json(upper).decode(Buffer.from('5'))).toThrow('not lower case')
  })
})

describe('state', () => {
  it('that an earlier program has stored is read, whatever its numbers', () => {
    const { codec } = jsonState(z.object({ sum: z.number() }), true)
    expect(codec.decodeText?.('{"sum":1152921504606846976}')).toEqual({ sum: 2 ** 60 })
  })

  it('is written without another look by the schema', () => {
    expect(jsonState(z.object({ n: z.number() }), true).codec.encode({ n: 'a' })).toBe('{"n":"a"}')
  })
})
