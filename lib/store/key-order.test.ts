import fc from 'fast-check'
import { compareKeys } from './key-order.js'

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
})
