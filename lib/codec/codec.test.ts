import { z } from 'zod'
import { bytes, text } from './codec.js'
import { json } from './json/json.js'
import { storedCodec } from './stored.js'

const point = json(z.object({ x: z.number(), name: z.string() }))

describe('json', () => {
  it('gives back what was encoded, from a range of a larger buffer too', () => {
    const value = { x: 1.5, name: 'größe 🎈' }
    const encoded = Buffer.from(point.encode(value) as string)
    const larger = Buffer.concat([Buffer.from('..'), encoded, Buffer.from('..')])
    expect(point.decode(encoded)).toEqual(value)
    expect(point.decodeRange?.(larger, 2, 2 + encoded.length)).toEqual(value)
  })

  it('names the field that does not fit the schema', () => {
    expect(() => point.decode(Buffer.from('{"x":"1","name":"a"}'))).toThrow(/^x: .*number/)
  })

  it('says that text is not JSON', () => {
    expect(() => point.decode(Buffer.from('<html>'))).toThrow(/not JSON/)
  })

  it('refuses a schema that validates asynchronously', () => {
    const slow = json(z.string().refine(async () => true))
    expect(() => slow.decode(Buffer.from('"a"'))).toThrow(/synchronous/i)
  })
})

describe('storedCodec', () => {
  it('stores text formats as they are', () => {
    const stored = storedCodec(point as never)
    expect(stored.encode({ x: 1, name: 'a' })).toBe('{"x":1,"name":"a"}')
    expect(stored.wire('{"x":1,"name":"a"}')).toBe('{"x":1,"name":"a"}')
  })

  it('keeps every byte of binary formats on the way store, changelog, store', () => {
    const stored = storedCodec(bytes() as never)
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const kept = stored.encode(all)
    const wire = Buffer.from(stored.wire(kept))
    expect(wire.equals(all)).toBe(true)
    expect(stored.decode(stored.fromWire(wire, 0, wire.length))).toEqual(all)
  })

  it('reads text written by the changelog', () => {
    const stored = storedCodec(text() as never)
    const wire = Buffer.from('naïve')
    expect(stored.decode(stored.fromWire(wire, 0, wire.length))).toBe('naïve')
  })
})

describe('text', () => {
  it('is UTF-8 in both directions, or refused', () => {
    const codec = text()
    expect(codec.decode(Buffer.from('ä\uFFFD'))).toBe('ä\uFFFD')
    for (const bytes of [[0xe9], [0x61, 0xff, 0x62], [0xed, 0xa0, 0x80], [0xc0, 0x80]])
      expect(() => codec.decode(Buffer.from(bytes))).toThrow(/^not UTF-8 .*bytes\(\) reads anything/)
    expect(() => codec.decodeRange?.(Buffer.from([0x61, 0xff]), 1, 2)).toThrow(/not UTF-8/)
    expect(() => codec.encode('a\ud800')).toThrow(/half a surrogate pair/)
  })
})
