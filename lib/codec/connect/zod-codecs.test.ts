import { z } from 'zod'
import { connectJson, connectSchema } from './connect-json.js'
import { connectKey } from './connect-key.js'

const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
})

describe('codecs of zod', () => {
  const row = z.object({
    at: isoDate.meta({ connect: 'timestamp' }),
    said: isoDate.optional(),
    all: z.record(z.string(), isoDate),
  })

  it('are columns of what they write', () => {
    expect(connectSchema(row).fields?.map(({ type, optional }) => [type, optional])).toEqual([
      ['int64', false],
      ['string', true],
      ['string', false],
    ])
  })

  it('are used both ways', () => {
    const value = { at: new Date(5), said: new Date(6), all: { a: new Date(7) } }
    const codec = connectJson(row)
    const encoded = codec.encode(value) as string
    expect((JSON.parse(encoded) as { payload: object }).payload).toEqual({
      at: 5,
      said: '1970-01-01T00:00:00.006Z',
      all: '{"a":"1970-01-01T00:00:00.007Z"}',
    })
    expect(codec.decode(Buffer.from(encoded))).toEqual(value)
    expect(() => codec.encode({ ...value, at: 5 } as never)).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })

  it('are none of keys', () => {
    expect(() => connectKey({ at: isoDate })).toThrow(/a codec in a key/)
  })
})
