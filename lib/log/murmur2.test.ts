import * as fc from 'fast-check'
import { murmur2, partitionOfKey } from './murmur2.js'

it('reads only the range it is given', () => {
  const bytes = Buffer.from('xxcustomer-4711yyy')
  expect(murmur2(bytes, 2, 15)).toBe(murmur2(Buffer.from('customer-4711'), 0, 13))
})

it('hashes a key as its UTF-8 bytes, ASCII or not', () => {
  const keys = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      const bytes = Buffer.from(key)
      const expected = (murmur2(bytes, 0, bytes.length) & 0x7fffffff) % partitions
      expect(partitionOfKey(key, partitions)).toBe(expected)
    }),
  )
})
