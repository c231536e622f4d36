import fc from 'fast-check'
import { FieldReader, FieldWriter } from './fields.js'

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.nat(300).map((length) => 'é'.repeat(length)),
)
const field = fc.oneof(
  fc.record({ int: fc.integer() }),
  fc.record({ number: fc.oneof(fc.double({ noNaN: true }), fc.maxSafeInteger()) }),
  fc.record({ text }),
  fc.record({ bytes: fc.option(fc.uint8Array({ maxLength: 3_000 })) }),
)

const writer = new FieldWriter()

it('gives back what was written, field by field', () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      for (const each of fields) {
        if ('int' in each) writer.int(each.int)
        else if ('number' in each) writer.number(each.number)
        else if ('text' in each) writer.text(each.text)
        else writer.bytes(each.bytes)
      }
      const written = Buffer.from(writer.take())
      const reader = new FieldReader(written)
      const found = fields.map((each) => {
        if ('int' in each) return { int: reader.int() }
        if ('number' in each) return { number: reader.number() }
        if ('text' in each) return { text: reader.text() }
        const bytes = reader.bytes()
        return { bytes: bytes && Uint8Array.from(bytes) }
      })
      expect(found).toEqual(fields)
      expect(reader.atEnd).toBe(true)
    }),
  )
})

it.each(['int', 'number', 'text', 'bytes'] as const)('says so when the bytes end before a %s does', (kind) => {
  const written = Buffer.from(new FieldWriter().text('x'.repeat(40)).take())
  for (const end of [0, 1, 5]) {
    const reader = new FieldReader(written.subarray(0, end))
    const readAll = (): void => {
      for (let field = 0; field < 10; field++) reader[kind]()
    }
    // RangeError, which Node throws as that of another realm.
    expect(readAll).toThrow(expect.objectContaining({ name: 'RangeError' }))
  }
})

it.each([-2, -1_000_000, 1_000_000])('takes no text of %i bytes', (size) => {
  const written = new FieldWriter().int(size).take()
  expect(() => new FieldReader(written).text()).toThrow(RangeError)
})
