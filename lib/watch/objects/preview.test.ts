import fc from 'fast-check'
import { longText, shortText, shownBytes, shownValue } from './preview.js'

describe('what is shown of a value', () => {
  it('is laid out where there is room, and one line elsewhere', () => {
    const value = { id: 'a', lines: [1, 2], none: null, when: new Date(0) }
    expect(shownValue(value, longText)).toEqual({
      text: '{\n  "id": "a",\n  "lines": [\n    1,\n    2\n  ],\n  "none": null,\n  "when": 1970-01-01T00:00:00.000Z\n}',
      isCut: false,
    })
    expect(shownValue(value, shortText).text).toBe(
      '{"id": "a", "lines": [1, 2], "none": null, "when": 1970-01-01T00:00:00.000Z}',
    )
    expect(shownValue({}, longText).text).toBe('{}')
  })

  it('has a form for what JSON has none for', () => {
    const odd = {
      big: 12n,
      nan: NaN,
      undef: undefined,
      map: new Map([['k', new Set([1])]]),
      bytes: Uint8Array.of(1, 255),
      f: () => 1,
    }
    expect(shownValue(odd, shortText).text).toBe(
      '{"big": 12n, "nan": NaN, "undef": undefined, "map": Map {"k": Set [1]}, "bytes": (2 bytes) 0x 01 ff, "f": (function)}',
    )
    expect(shownValue({ date: new Date(NaN), ['__proto__']: 1 }, shortText).text).toBe(
      '{"date": (no date), "__proto__": 1}',
    )
  })

  it('is cut where it is long, wide or deep, and holds itself', () => {
    let deep: unknown = 'end'
    for (let i = 0; i < 100_000; i++) deep = { deep }
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]))
    for (const value of [deep, circle, wide, 'x'.repeat(1e6), Array(1e6).fill('y'.repeat(1_000))]) {
      const { text, isCut } = shownValue(value, longText)
      expect(isCut).toBe(true)
      expect(text.length).toBeLessThan(2 * longText)
    }
  })

  it('never throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(shownValue(proxy, shortText).isCut).toBe(true)
    expect(
      shownValue(
        {
          get bad() {
            throw new Error('no')
          },
        },
        shortText,
      ).isCut,
    ).toBe(true)
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true }),
        (value) => {
          expect(shownValue(value, shortText).text.length).toBeLessThan(shortText * 3 + 1_000)
        },
      ),
    )
  })

  it.each([
    ['null', null, 'null', false],
    ['text', Buffer.from('héllo'), 'héllo', false],
    ['JSON', Buffer.from('{"a":1}'), '{"a": 1}', false],
    ['numbers that would lose digits', Buffer.from('{"a":12345678901234567890}'), '{"a":12345678901234567890}', false],
    ['bytes', Uint8Array.of(0, 255, 16), '0x 00 ff 10', false],
    ['half a character', Uint8Array.of(0xc3, 0x28), '0x c3 28', false],
    ['nothing', new Uint8Array(), '', false],
  ])('of bytes that are %s is what people read', (_, bytes, text, isCut) =>
    expect(shownBytes(bytes, shortText)).toEqual({ text, isCut }),
  )

  it('of many bytes is their beginning', () => {
    const { text, isCut } = shownBytes(Buffer.from('é'.repeat(100_000)), shortText)
    expect([text, isCut]).toEqual(['é'.repeat(shortText), true])
    expect(shownBytes(Buffer.alloc(1e6), shortText)).toMatchObject({ isCut: true })
    expect(shownBytes(Buffer.alloc(1e6), shortText).text.length).toBeLessThanOrEqual(shortText + 3)
  })
})
