import * as fc from 'fast-check'
import { runs } from '../../../test/runs.js'
import { jsonIn, readMessage } from './messages.js'

const record = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())

/** Any message, its members in any order, spaced in any way, with others among them. */
const messages = fc
  .record({
    type: fc.constantFrom('RECORD', 'record', 'STATE', 'SCHEMA', 'NEWS'),
    stream: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    record,
    value: fc.jsonValue(),
    more: fc.jsonValue(),
    more2: fc.jsonValue(),
  })
  .chain((message) => fc.shuffledSubarray(Object.entries(message), { minLength: 1 }))
  .map((entries) => Object.fromEntries(entries))

const spaced = (message: object, space: string): Buffer => {
  const members = Object.entries(message).map(
    ([name, value]) => `${space}${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}`,
  )
  return Buffer.from(`${space}{${members.join(`${space},`)}${space}}${space}`)
}

/** As it is read by JSON alone. */
function expected(message: Readonly<Record<string, unknown>>): unknown {
  const { type, stream, record, value } = JSON.parse(JSON.stringify(message)) as Record<string, unknown>
  const kind = typeof type === 'string' ? type.toUpperCase() : undefined
  if (kind === 'RECORD' && stream !== undefined && record !== undefined) return { stream, record }
  if (kind === 'STATE' && value !== undefined) return { value }
  return kind === 'SCHEMA' || kind === 'NEWS' ? { type: kind } : 'bad'
}

function found(line: Buffer): unknown {
  const read = readMessage(line)
  if (read.kind === 'record') return { stream: read.stream, record: jsonIn(read.bytes) }
  if (read.kind === 'state') return { value: read.value }
  return read.kind === 'other' ? { type: read.type } : 'bad'
}

it('a message is read as JSON reads it', () => {
  fc.assert(
    fc.property(messages, fc.constantFrom('', ' ', '\t \r'), (message: Record<string, unknown>, space) => {
      expect(found(spaced(message, space))).toEqual(expected(message))
    }),
    { numRuns: runs(500, 20_000) },
  )
})

it('what JSON does not read is no message, and no record that JSON would read', () => {
  fc.assert(
    fc.property(
      messages,
      fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), cuts: fc.boolean() }), { maxLength: 3 }),
      (message, damages) => {
        let line = spaced(message, '')
        for (const { at, byte, cuts } of damages) {
          const place = at % (line.length + 1)
          const there = cuts ? Buffer.alloc(0) : Buffer.of(byte)
          line = Buffer.concat([line.subarray(0, place), there, line.subarray(place + 1)])
        }
        const read = readMessage(line)
        // Where the damage is within a record, or in text that is not UTF-8, the codec of the topic sees it.
        const isLeft = read.kind === 'record' && (jsonIn(read.bytes) === undefined || !isText(line))
        expect(jsonIn(line) !== undefined || read.kind === 'bad' || isLeft).toBe(true)
      },
    ),
    { numRuns: runs(1_000, 50_000) },
  )
})

const isText = (line: Buffer): boolean => Buffer.from(String(line)).equals(line)
