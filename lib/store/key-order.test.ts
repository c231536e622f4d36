import fc from 'fast-check'
import { behindPrefix, compareKeys } from './key-order.js'

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      {
        examples: [
          ['\u{1f600}', '\ufffd'],
          ['a', 'a\0'],
          ['', ''],
        ],
      },
    )
  })

  it('has a key behind all that begin with a prefix, and before all others behind the prefix', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, (prefix, rest, other) => {
        const behind = behindPrefix(`k\0${prefix}`)
        expect(compareKeys(`k\0${prefix}${rest}`, behind)).toBeLessThan(0)
        const key = `k\0${other}`
        const isWithin = compareKeys(key, `k\0${prefix}`) >= 0 && compareKeys(key, behind) < 0
        expect(isWithin).toBe(other.startsWith(prefix))
      }),
      {
        examples: [
          ['', '\u{10ffff}x', ''],
          ['a\u{10ffff}', '\u{10ffff}', 'b'],
          ['a\ud7ff', '', 'a\ue000'],
          ['a\uffff', 'x', 'a\u{10000}'],
        ],
      },
    )
  })
})
