import fc from 'fast-check'
import { z } from 'zod'
import { runs } from '../../../test/runs.js'
import { keyFormat, takesWindows } from '../keys.js'
import { connectKey } from './connect-key.js'

const symbol = connectKey({ symbol: z.string() })
const order = connectKey({ region: z.string(), id: z.bigint(), day: z.date() })

const bytesOf = (written: string | Uint8Array): Buffer => Buffer.from(written as string)
const there = (codec: Parameters<typeof keyFormat>[0], text: string): string => {
  const format = keyFormat(codec)
  const bytes = bytesOf(format.bytes(text))
  return format.text(bytes, 0, bytes.length)
}

describe('keys for Connect', () => {
  it('are structs with their schema', () => {
    expect(keyFormat(symbol).bytes('IBM')).toBe(
      '{"schema":{"type":"struct","optional":false,"fields":[{"type":"string","optional":false,"field":"symbol"}]},"payload":{"symbol":"IBM"}}',
    )
  })

  it('of one text field are that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(there(symbol, text)).toBe(text)
        expect(symbol.text({ symbol: text })).toBe(text)
      }),
      { numRuns: runs(100, 5_000) },
    )
  })

  it('of several fields are a JSON array of them', () => {
    const fields = { region: 'EU', id: 2n ** 60n + 1n, day: new Date(86_400_000) }
    const text = '["EU",1152921504606846977,86400000]'
    expect(order.text(fields)).toBe(text)
    expect(order.fields(text)).toEqual(fields)
    expect(there(order, text)).toBe(text)
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.date({ noInvalidDate: true }),
        (region, id, day) => {
          const key = order.text({ region, id, day })
          expect(order.fields(key)).toEqual({ region, id, day })
          expect(there(order, key)).toBe(key)
        },
      ),
      { numRuns: runs(100, 5_000) },
    )
  })

  it('of one field that is no text are its JSON', () => {
    expect(there(connectKey({ id: z.int32() }), '-5')).toBe('-5')
    expect(there(connectKey({ id: z.boolean() }), 'true')).toBe('true')
    expect(connectKey({ id: z.int32() }).fields('7')).toEqual({ id: 7 })
  })

  it.each(['', 'x', '05', '5.0', '1e3', ' 5', '5,6', '"5"', '2147483648', 'null', '[5]'])(
    'have one text each: %p is none of an int32',
    (text) => {
      const id = connectKey({ id: z.int32() })
      expect(() => keyFormat(id).bytes(text)).toThrow(/ is no key of id \(/)
      expect(() => id.encode(text)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
    },
  )

  it.each(['', 'EU', '["EU",5]', '["EU", 5,0]', '["EU","5",0]', '["EU",5,0,1]', '{"region":"EU"}', '["EU",5,null]'])(
    'of several fields have one text each: %p is none',
    (text) => {
      expect(() => keyFormat(order).bytes(text)).toThrow(/ is no key of \[region, id, day\] \(/)
    },
  )

  it('are checked by the schemas of their fields', () => {
    const checked = connectKey({ symbol: z.string().regex(/^[A-Z]+$/) })
    expect(() => keyFormat(checked).bytes('ibm')).toThrow(/text \("ibm"\) is no key of symbol/)
    expect(() => checked.text({ symbol: 'ibm' })).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
    // Two texts would be one key.
    expect(() => keyFormat(connectKey({ symbol: z.string().trim() })).bytes(' IBM')).toThrow(
      /its text is text \("IBM"\)/,
    )
    expect(() => symbol.text({ symbol: '\ud800' })).toThrow(/surrogate/)
  })

  it('of other producers are read in any order, with more fields', () => {
    const text = JSON.stringify({
      payload: { id: 5, more: 1, day: 0, region: 'EU' },
      schema: {
        fields: [
          { field: 'day', type: 'int64', name: 'org.apache.kafka.connect.data.Timestamp' },
          { field: 'id', type: 'int32' },
          { field: 'region', type: 'string' },
        ],
        type: 'struct',
      },
    })
    expect(keyFormat(order).text(Buffer.from(text), 0, Buffer.byteLength(text))).toBe('["EU",5,0]')
  })

  it.each(['IBM', '{"symbol":"IBM"}', '{"schema":{"type":"string"},"payload":"IBM"}', ''])('are not %p', (raw) => {
    const bytes = Buffer.from(raw)
    expect(() => keyFormat(symbol).text(bytes, 0, bytes.length)).toThrow(
      /^the key cannot be read as the option key of its topic says, a struct of symbol \(/,
    )
  })

  it('are of formats that tell them apart', () => {
    expect(keyFormat(symbol).format).toBe('connect-key(symbol string)')
    expect(keyFormat(order).format).toBe(
      'connect-struct(region string, id int64, day org.apache.kafka.connect.data.Timestamp)',
    )
  })

  it('take windows behind them where they are any text', () => {
    expect(takesWindows(keyFormat(symbol))).toBe(true)
    expect(takesWindows(keyFormat(order))).toBe(false)
    expect(takesWindows(keyFormat(connectKey({ id: z.int() })))).toBe(false)
  })

  it.each<[what: string, shape: unknown, sentence: RegExp]>([
    ['doubles', { a: z.number() }, /key\.a: a key of zod 'number' has no Connect form/],
    ['bytes', { a: z.instanceof(Uint8Array) }, /a key of zod 'custom'/],
    ['arrays', { a: z.array(z.string()) }, /a key of zod 'array'/],
    ['objects', { a: z.object({ b: z.string() }) }, /a key of zod 'object'/],
    ['JSON', { a: z.string().meta({ connect: 'json' }) }, /a key of zod 'string'/],
    ['what may be left out', { a: z.string().optional() }, /may be left out/],
    ['null', { a: z.string().nullable() }, /may be left out/],
    ['a default', { a: z.string().default('x') }, /may be left out/],
    ['no fields', {}, /in the place of fields/],
    ['a schema', z.object({ a: z.string() }), /in the place of fields/],
    ['no schema', { a: 'string' }, /in the place of fields/],
    ['nothing', undefined, /in the place of fields/],
  ])('cannot be of %s', (_what, shape, sentence) => {
    expect(() => connectKey(shape as never)).toThrow(sentence)
    expect(() => connectKey(shape as never)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  })
})
