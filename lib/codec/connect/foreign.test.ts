import { z } from 'zod'
import { connectJson } from './connect-json.js'

const row = connectJson(
  z.object({
    id: z.int(),
    at: z.date(),
    price: z.string().meta({ connect: { decimal: 2 } }),
    note: z.string().optional(),
    tags: z.array(z.string()).optional(),
  }),
)
const at = { field: 'at', type: 'int64', name: 'org.apache.kafka.connect.data.Timestamp', version: 1 }
const price = {
  field: 'price',
  type: 'bytes',
  name: 'org.apache.kafka.connect.data.Decimal',
  parameters: { scale: '2' },
}
const fields: readonly object[] = [
  price,
  { field: 'id', type: 'int32', optional: false },
  at,
  { field: 'more', type: 'string' },
]
const payload = { more: 'x', at: 5, id: 1, price: 'BNI=' }

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const envelope = (changed: readonly object[] = fields, held: unknown = payload): Buffer =>
  bytes({ payload: held, schema: { fields: changed, type: 'struct', name: 'prices.Value' } })
const withField = (field: { readonly field: string }): readonly object[] => [
  ...fields.filter((other) => (other as { field: string }).field !== field.field),
  field,
]

describe('envelopes of other producers', () => {
  it('are read in any order of fields, with more of them, and without those that are optional', () => {
    const read = { id: 1, at: new Date(5), price: '12.34' }
    expect(row.decode(envelope())).toEqual(read)
    expect(row.decode(envelope(fields, { ...payload, note: null, tags: null }))).toEqual(read)
    expect(row.decode(envelope(fields, { ...payload, note: 'n' }))).toEqual({ ...read, note: 'n' })
  })

  it('are read with the names that Debezium has for times, and with names of text', () => {
    const changed = withField({ ...at, name: 'io.debezium.time.Timestamp' } as never)
    const named = [...changed, { field: 'note', type: 'string', name: 'io.debezium.data.Json' }]
    expect(row.decode(envelope(named, { ...payload, note: '{}' }))).toMatchObject({ at: new Date(5), note: '{}' })
  })

  it.each<[what: string, bytes: Buffer, sentence: string | RegExp]>([
    ['no JSON', bytes('<html>'), /not JSON/],
    ['no UTF-8', Buffer.from([0xff]), /not UTF-8/],
    ['plain JSON', bytes(payload), /no envelope .* json\(\) reads that/],
    ['an array', bytes([]), /no envelope/],
    ['null', bytes('null'), /no envelope/],
    ['a schema alone', bytes({ schema: {} }), /no envelope/],
    ['no schema', bytes({ schema: null, payload }), 'its schema is no struct with fields'],
    ['a schema of text', bytes({ schema: { type: 'string' }, payload: 'x' }), 'its schema is no struct with fields'],
    ['an empty payload', envelope(fields, null), /a deletion is a record without a value/],
    ['a payload that is no object', envelope(fields, 5), 'the payload is 5, where an object is needed'],
    ['a payload without a value', envelope(fields, { ...payload, id: null }), 'id: there is no value'],
    [
      'microseconds',
      envelope(withField({ ...at, name: 'io.debezium.time.MicroTimestamp' } as never)),
      /^at: its schema says int64 io\.debezium\.time\.MicroTimestamp, this reads int64 org/,
    ],
    [
      'another scale',
      envelope(withField({ ...price, parameters: { scale: '3' } } as never)),
      /^price: its schema says/,
    ],
    [
      'another type',
      envelope(withField({ field: 'id', type: 'string' } as never)),
      /^id: its schema says string, this reads int64/,
    ],
    [
      'items of another type',
      envelope([...fields, { field: 'tags', type: 'array', items: { type: 'int32' } }]),
      /^tags: its schema says array of int32, this reads array of string/,
    ],
    ['a value that its schema does not allow', envelope(fields, { ...payload, id: 'x' }), 'id: "x" is no whole number'],
    ['a decimal as a number', envelope(fields, { ...payload, price: 12.34 }), /^price: .*decimal\.format=BASE64/],
    ['no base64', envelope(fields, { ...payload, price: '*' }), /^price: .*no base64/],
    ['an empty decimal', envelope(fields, { ...payload, price: '' }), /^price: a decimal of 0 bytes/],
    ['a time beyond those of a Date', envelope(fields, { ...payload, at: 9e15 }), /^at: 9000000000000000 is farther/],
    [
      'a whole number that is not exact',
      bytes(envelope().toString().replace('"id":1', '"id":9007199254740993')),
      /^id: 9007199254740993 is not exact as a number; z\.bigint\(\)/,
    ],
  ])('are refused when they have %s', (_what, given, sentence) => {
    expect(() => row.decode(given)).toThrow(sentence)
    expect(() => row.decode(given)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })

  it('with whole numbers of 64 bits are exact as bigints, and those of doubles as near as they can be', () => {
    const codec = connectJson(z.object({ a: z.bigint(), b: z.number() }))
    const schema = {
      type: 'struct',
      fields: [
        { field: 'a', type: 'int64' },
        { field: 'b', type: 'double' },
      ],
    }
    const text = `{"schema":${JSON.stringify(schema)},"payload":{"a":9223372036854775807,"b":12345678901234567890}}`
    expect(codec.decode(bytes(text))).toEqual({ a: 2n ** 63n - 1n, b: Number('12345678901234567890') })
    expect(() => codec.decode(bytes(text.replace('5807', '5808')))).toThrow(/^a: /)
    expect(() => codec.decode(bytes(text.replace(/\d+\}\}$/, '1e400}}')))).toThrow(/too large for a number/)
  })

  it('that end behind what was written are refused', () => {
    const encoded = row.encode({ id: 1, at: new Date(5), price: '1' }) as string
    for (const wrong of [
      `${encoded}}`,
      encoded.slice(0, -1),
      `${encoded} {}`,
      encoded.replace('"payload":{', '"payload":{{'),
    ])
      expect(() => row.decode(bytes(wrong))).toThrow(/not JSON/)
    expect(row.decode(bytes(` ${encoded}\n`))).toEqual({ id: 1, at: new Date(5), price: '1.00' })
  })
})
