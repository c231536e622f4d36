import fc from 'fast-check'
import { copied, NotPlain } from './copied.js'

/** All objects in a value. */
function partsOf(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = value instanceof Map || value instanceof Set ? [...value] : Object.values(value)
  return [value, ...(ArrayBuffer.isView(value) ? [] : inner.flatMap(partsOf))]
}

describe('a copy', () => {
  it('is equal, and shares nothing that can be changed', () => {
    const value = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: false,
      withNullPrototype: false,
    })
    fc.assert(
      fc.property(value, (original) => {
        const copy = copied(original)
        expect(copy).toEqual(original)
        const parts = new Set(partsOf(original))
        expect(partsOf(copy).some((part) => parts.has(part))).toBe(false)
      }),
    )
  })

  it('of bytes has bytes of its own, a Buffer too', () => {
    for (const bytes of [Uint8Array.of(1, 2), Buffer.of(1, 2)]) {
      const copy = copied({ bytes }) as { bytes: Uint8Array }
      bytes.fill(0)
      expect([...copy.bytes]).toEqual([1, 2])
    }
  })

  it('has no other prototype than the original, whatever its fields are called', () => {
    expect(() => copied(JSON.parse('{"a":{"__proto__":{"b":1}}}'))).toThrow(NotPlain)
    const copy = copied(JSON.parse('{"__proto__":1}')) as object
    expect([Object.getPrototypeOf(copy), Object.keys(copy)]).toEqual([Object.prototype, ['__proto__']])
  })

  it.each([[new (class A {})()], [/x/], [new URL('http://a')], [new Float64Array(1)]])('is not made of %p', (value) => {
    expect(() => copied({ deep: [value] })).toThrow(NotPlain)
  })
})
