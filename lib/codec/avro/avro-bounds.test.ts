import { z } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { boundsOf } from './avro-bounds.js'
import { avroType } from './avro-type.js'
import { avro } from './avro.js'
import { seeded } from '../../../test/avro-samples.js'

const order = z.object({
  id: z.string(),
  lines: z.array(z.object({ sku: z.string(), price: z.number() })),
  counts: z.record(z.string(), z.int()),
  pays: z.union([z.string(), z.instanceof(Uint8Array), z.null()]),
})

describe('bytes that are something else', () => {
  // Without the walk before it, avsc needs gigabytes for a few of these, or runs for minutes.
  it('are refused as invalid values, whatever they are', () => {
    const random = seeded(7)
    const codec = avro(order)
    for (let n = 0; n < 5_000; n++) {
      const bytes = Buffer.from(Array.from({ length: random(60) }, () => random(256)))
      expect(refusal(() => codec.decode(bytes)) ?? 'VALUE_INVALID').toBe('VALUE_INVALID')
    }
  })

  it('are refused when they are whole values cut off or with one byte changed', () => {
    const codec = avro(order)
    const value = { id: 'o-1', lines: [{ sku: 'a', price: 1 }], counts: { x: 1, y: 300 }, pays: new Uint8Array([1, 2]) }
    const whole = Buffer.from(codec.encode(value))
    for (let length = 0; length < whole.length; length++)
      expect(refusal(() => codec.decode(whole.subarray(0, length)))).toBe('VALUE_INVALID')
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at] = 0xff
      expect(refusal(() => codec.decode(changed)) ?? 'VALUE_INVALID').toBe('VALUE_INVALID')
    }
  })

  it('are refused where text is not UTF-8', () => {
    const latin1 = Buffer.from([4, 0x61, 0xe9])
    expect(() => avro(z.string()).decode(latin1)).toThrow(/byte 3: text that is not UTF-8/)
    expect(() => avro(z.record(z.string(), z.int32())).decode(Buffer.from([2, ...latin1, 2, 0]))).toThrow(/not UTF-8/)
    expect(avro(z.string()).decode(avro(z.string()).encode('é\uFFFD') as Uint8Array)).toBe('é\uFFFD')
  })

  it('are not read on into the next value', () => {
    const two = Buffer.from('0661616206626262', 'hex')
    expect(() => avro(z.string()).decodeRange?.(two, 0, 3)).toThrow(/it ends 1 bytes too early/)
  })

  it.each<[string, string, string]>([
    ['JSON', Buffer.from('{"id":"o-1"}').toString('hex'), 'not an Avro Order (byte 1: a length of -62)'],
    ['nothing', '', 'not an Avro Order (byte 0: it ends within a number)'],
    ['too much', '0000000000', 'not an Avro Order (byte 4: 1 bytes follow the value)'],
    ['a text too long', '0a61', 'not an Avro Order (byte 2: it ends 4 bytes too early)'],
    ['a branch that is not there', '00000006', 'not an Avro Order (byte 4: branch or symbol 3 of 3)'],
    ['a number without an end', 'ff'.repeat(11), 'not an Avro Order (byte 10: a number of more than 64 bits)'],
    ['billions of items', '00feffffff0f', 'not an Avro Order (byte 6: it ends within a number)'],
  ])('are described: %s', (_, hex, message) => {
    const codec = avro(order, { name: 'Order' })
    expect(() => codec.decode(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'VALUE_INVALID', message }),
    )
  })

  it('cannot say that there are billions of items of no size', () => {
    const bounds = boundsOf(avroType({ type: 'array', items: 'null' }))
    const check = (hex: string): void => bounds(Buffer.from(hex, 'hex'), 0, hex.length / 2)
    expect(() => check('0600')).not.toThrow()
    expect(() => check('feffffff0f00')).toThrow(/more than 65536 empty items/)
  })

  it('cannot nest deeper than the stack', () => {
    const node = z.object({
      get next() {
        return node.optional()
      },
    })
    expect(refusal(() => avro(node).decode(Buffer.alloc(200_000, 2)))).toBe('VALUE_INVALID')
  })
})

describe('blocks with their size in front', () => {
  const numbers = avro(z.array(z.int()))

  it('are read', () => {
    expect(numbers.decode(Buffer.from('03040204020600', 'hex'))).toEqual([1, 2, 3])
  })

  it('are refused when the size is wrong, since readers that skip go by it', () => {
    expect(() => numbers.decode(Buffer.from('03060204020600', 'hex'))).toThrow(/a block of 3 bytes has 2/)
  })
})

function refusal(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    return MillraceError.is(error) ? error.code : String(error)
  }
  return undefined
}
