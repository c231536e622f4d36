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

  it('refuses values that have no JSON form instead of writing nothing', () => {
    expect(() => json(z.any()).encode(undefined)).toThrow(/undefined and would/)
    expect(() => json(z.any()).encode(1n)).toThrow(/no form for/)
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
