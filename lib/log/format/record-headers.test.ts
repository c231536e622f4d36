import { headersSize, readHeaders, writeHeaders } from './record-headers.js'

const headers = new Map([
  ['a', Buffer.from('12')],
  ['b', null],
])
/** `2 headers: 1 a 2 12, 1 b -1`, with room for more behind. */
const written = Buffer.alloc(40)
const end = writeHeaders(written, 0, headers)

function changed(at: number, byte: number): Buffer {
  const bytes = Buffer.from(written)
  bytes[at] = byte
  return bytes
}

it('takes as many bytes as it said it would', () => {
  expect(end).toBe(headersSize(headers))
  expect(readHeaders(written, 0, end)).toEqual(headers)
})

it('lets the last of several headers with one name count', () => {
  expect([...readHeaders(changed(7, 97), 0, end)]).toEqual([['a', null]])
})

it.each([
  ['a count below zero', 0, 1, 'a count of -1'],
  ['a count above what is there', 0, 126, 'name length'],
  ['a count below what is there', 0, 2, 'a total length of 6'],
  ['a name below zero', 1, 1, 'a name length of -1'],
  ['a name beyond the record', 1, 40, 'a name length of 20'],
  ['a value below minus one', 3, 3, 'a value length of -2'],
  ['a value beyond the record', 3, 40, 'a value length of 20'],
])('refuses %s', (_, at, byte, message) => {
  expect(() => readHeaders(changed(at, byte), 0, end)).toThrow(message)
})
