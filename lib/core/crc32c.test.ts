import * as fc from 'fast-check'
import { crc32c } from './crc32c.js'

const whole = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length)

it.each([
  ['nothing', Buffer.alloc(0), 0],
  ['the check string', Buffer.from('123456789'), 0xe3069283],
  ['32 zeros (RFC 3720 B.4)', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones (RFC 3720 B.4)', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 ascending bytes (RFC 3720 B.4)', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['32 descending bytes (RFC 3720 B.4)', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
])('gives the published value for %s', (_, bytes, expected) => {
  expect(whole(bytes)).toBe(expected)
})

it('agrees with the bitwise definition on any range', () => {
  const input = fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(40), fc.nat(40))
  fc.assert(
    fc.property(input, ([bytes, before, after]) => {
      const start = Math.min(before, bytes.length)
      const end = Math.max(start, bytes.length - after)
      expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)))
    }),
  )
})

function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
