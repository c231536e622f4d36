import { MillraceError } from '../core/errors.js'
import type { Codec } from './codec.js'
import { double, integer, long } from './numbers.js'
import { storedCodec } from './stored.js'

const hexOf = <V>(codec: Codec<V>, value: V): string => Buffer.from(codec.encode(value)).toString('hex')

describe.each<{ name: string; codec: Codec<unknown>; values: unknown[] }>([
  { name: 'integer', codec: integer() as Codec<unknown>, values: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)] },
  { name: 'long', codec: long() as Codec<unknown>, values: [0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53] },
  {
    name: 'long as bigint',
    codec: long({ as: 'bigint' }) as Codec<unknown>,
    values: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  },
  { name: 'double', codec: double() as Codec<unknown>, values: [0, -0, 0.1, -1e300, 5e-324, NaN, Infinity] },
])('$name', ({ codec, values }) => {
  it('gives back what was encoded, from a range of a larger buffer and from the store too', () => {
    const stored = storedCodec(codec)
    for (const value of values) {
      const encoded = codec.encode(value) as Uint8Array
      const larger = Buffer.concat([Buffer.from('..'), encoded, Buffer.from('..')])
      expect(codec.decode(encoded)).toBe(value)
      expect(codec.decodeRange?.(larger, 2, 2 + encoded.length)).toBe(value)
      expect(stored.decode(stored.encode(value))).toBe(value)
    }
  })

  it.each([0, 1, 3, 5, 7, 9])('refuses %i bytes', (length) => {
    expect(codeOf(() => codec.decode(new Uint8Array(length)))).toBe('VALUE_INVALID')
  })

  it.each([undefined, null, '1', {}])('refuses to encode %p', (value) => {
    expect(codeOf(() => codec.encode(value))).toBe('VALUE_INVALID')
  })
})

describe('numbers on the wire', () => {
  it('are big-endian', () => {
    expect(hexOf(integer(), -2)).toBe('fffffffe')
    expect(hexOf(long(), -2)).toBe('fffffffffffffffe')
    expect(hexOf(long(), 2 ** 40 + 3)).toBe('0000010000000003')
    expect(hexOf(long({ as: 'bigint' }), -2n)).toBe('fffffffffffffffe')
    expect(hexOf(double(), 1)).toBe('3ff0000000000000')
  })

  it('are said to have the wrong length', () => {
    expect(() => long().decode(Buffer.from('12345'))).toThrow('5 bytes are not a long, which has 8')
  })

  it('are refused when they do not fit, with the range that does', () => {
    expect(() => integer().encode(2 ** 31)).toThrow(
      '2147483648 is not an integer: it must be a whole number from −2^31',
    )
    expect(() => integer().encode(1.5)).toThrow('1.5 is not')
    expect(() => long().encode(2 ** 53)).toThrow('it must be a whole number from −(2^53 − 1) to 2^53 − 1')
    expect(() => long({ as: 'bigint' }).encode(2n ** 63n)).toThrow('a bigint from −2^63')
  })

  it('are never rounded: a long that is no safe number is refused with a way out', () => {
    const beyond = long({ as: 'bigint' }).encode(2n ** 53n + 1n) as Uint8Array
    expect(() => long().decode(beyond)).toThrow(
      "the long 9007199254740993 is not exact as a number; read it with long({ as: 'bigint' })",
    )
  })
})

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    return MillraceError.is(error) ? error.code : String(error)
  }
  return undefined
}
