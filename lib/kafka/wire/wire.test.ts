import fc from 'fast-check'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })

describe('the primitive types', () => {
  it('read back as they were written, in flexible versions and others', () => {
    const fields = fc.record({
      flexible: fc.boolean(),
      int16: fc.integer({ min: -0x8000, max: 0x7fff }),
      int32,
      int64: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
      bigint64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      varint: fc.integer({ min: 0, max: 0x7fff_ffff }),
      boolean: fc.boolean(),
      string: fc.string({ unit: 'grapheme' }),
      nullable: fc.option(fc.string()),
      bytes: fc.uint8Array(),
      array: fc.array(int32),
    })
    fc.assert(
      fc.property(fields, (value) => {
        const writer = new Writer(value.flexible, 1)
        writer.int16(value.int16).int32(value.int32).int64(value.int64).int64(value.bigint64)
        writer.unsignedVarint(value.varint).boolean(value.boolean).string(value.string).string(value.nullable)
        writer.bytes(value.bytes).array(value.array, (item) => writer.int32(item))
        writer.end().int8(7)

        const reader = new Reader(writer.finish(), value.flexible)
        expect(reader.int16()).toBe(value.int16)
        expect(reader.int32()).toBe(value.int32)
        expect(reader.int64()).toBe(value.int64)
        expect(reader.bigint64()).toBe(value.bigint64)
        expect(reader.unsignedVarint()).toBe(value.varint)
        expect(reader.boolean()).toBe(value.boolean)
        expect(reader.string()).toBe(value.string)
        expect(reader.nullableString()).toBe(value.nullable)
        expect(new Uint8Array(reader.bytes())).toEqual(value.bytes)
        expect(reader.array(() => reader.int32())).toEqual(value.array)
        reader.end()
        expect(reader.int8()).toBe(7)
      }),
    )
  })

  it('have compact lengths in flexible versions, one more than the length', () => {
    const bytes = (flexible: boolean): number[] => [
      ...new Writer(flexible)
        .string('ab')
        .string(null)
        .bytes(Buffer.from([9]))
        .array(null, () => undefined)
        .end()
        .finish(),
    ]
    expect(bytes(true)).toEqual([3, 97, 98, 0, 2, 9, 0, 0])
    expect(bytes(false)).toEqual([0, 2, 97, 98, 255, 255, 0, 0, 0, 1, 9, 255, 255, 255, 255])
  })

  it('skip tagged fields', () => {
    const reader = new Reader(Buffer.from([2, 0, 1, 42, 5, 2, 1, 2, 7]), true)
    reader.end()
    expect(reader.int8()).toBe(7)
  })

  it('read bytes as views of the response', () => {
    const response = Buffer.from([0, 0, 0, 2, 1, 2])
    const bytes = new Reader(response, false).bytes()
    response[4] = 99
    expect(bytes[0]).toBe(99)
  })

  it.each([
    ['an integer', (reader: Reader) => reader.int64()],
    ['a string', (reader: Reader) => reader.string()],
    ['bytes', (reader: Reader) => reader.bytes()],
  ])('refuse a response that ends inside of %s', (_what, read) => {
    expect(() => read(new Reader(Buffer.from([0, 0, 0, 5, 1]).subarray(0, 5).subarray(2), false))).toThrow(RangeError)
  })
})
