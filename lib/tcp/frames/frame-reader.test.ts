import fc from 'fast-check'
import { framed, noFrame } from './frame-bytes.js'
import { FrameInvalid, FrameReader, type Frames } from './frame-reader.js'

const max = 300

/** Everything that can be taken now. */
function taken(reader: FrameReader): string[] {
  const frames: string[] = []
  while (reader.hasFrame) frames.push(reader.take()!.toString('latin1'))
  return frames
}

const split = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((to, i) => Buffer.from(bytes.subarray(places[i], to)))
}

const anyFrame = fc.uint8Array({ maxLength: max, size: 'max' })
const anyLine = anyFrame.filter((bytes) => noFrame('line', bytes, max) === undefined)

describe.each(['length', 'line'] as Frames[])('frames by %s', (frames) => {
  it('come out as they went in, however they are split, and whenever they are taken', () => {
    const all = fc.array(frames === 'length' ? anyFrame : anyLine, { maxLength: 30 })
    fc.assert(
      fc.property(all, fc.array(fc.nat()), fc.array(fc.boolean()), (sent, cuts, looks) => {
        const reader = new FrameReader(frames, max)
        const got: string[] = []
        split(framed(frames, sent), cuts).forEach((chunk, i) => {
          reader.push(chunk)
          if (looks[i % (looks.length + 1)] !== false) got.push(...taken(reader))
        })
        got.push(...taken(reader))
        expect(got).toEqual(sent.map((bytes) => Buffer.from(bytes).toString('latin1')))
        expect(reader.bytes).toBe(0)
      }),
    )
  })

  it('are not changed by what comes after them', () => {
    const reader = new FrameReader(frames, max)
    const bytes = framed(frames, [Buffer.from('first'), Buffer.from('second')])
    const got: Buffer[] = []
    for (const byte of bytes) {
      reader.push(Buffer.from([byte]))
      if (reader.hasFrame) got.push(reader.take()!)
    }
    expect(got.map(String)).toEqual(['first', 'second'])
  })
})

describe('frames by line', () => {
  it.each([
    ['a\nb\n', ['a', 'b'], 0],
    ['a\r\nb\n\r\n\n', ['a', 'b', '', ''], 0],
    ['a\r\r\n', ['a\r'], 0],
    ['a\rb\n', ['a\rb'], 0],
    ['\n\n', ['', ''], 0],
    ['a\nrest', ['a'], 4],
    ['a\nrest\r', ['a'], 5],
  ])('%j', (text, lines, left) => {
    const reader = new FrameReader('line', max)
    for (const sign of text) reader.push(Buffer.from(sign))
    expect(taken(reader)).toEqual(lines)
    expect(reader.bytes).toBe(left)
  })
})

describe('what is too long', () => {
  it.each([
    ['length', framed('length', [Buffer.alloc(max + 1)]).subarray(0, 4), `its length says ${max + 1} bytes`],
    ['length', Buffer.from([0x80, 0, 0, 0]), 'its length says 2147483648 bytes'],
    ['length', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'its length says 4294967295 bytes'],
    ['length', Buffer.from('GET / HTTP/1.1\r\n'), 'its length says 1195725856 bytes'],
    ['line', Buffer.alloc(max + 1, 'x'), `more than the ${max} bytes`],
    ['line', Buffer.from(`${'x'.repeat(max + 1)}\r\n`), `more than the ${max} bytes`],
  ] as [Frames, Buffer, string][])('is no frame by %s, and neither is what follows: case %#', (frames, bytes, says) => {
    const reader = new FrameReader(frames, max)
    reader.push(Buffer.concat([framed(frames, [Buffer.from('good')]), bytes]))
    expect(String(reader.take())).toBe('good')
    expect(() => reader.hasFrame).toThrow(FrameInvalid)
    expect(() => reader.hasFrame).toThrow(says)
  })

  it('is not what is exactly as long as may be', () => {
    for (const frames of ['length', 'line'] as Frames[]) {
      const reader = new FrameReader(frames, max)
      for (const byte of framed(frames, [Buffer.alloc(max, 'x')])) reader.push(Buffer.from([byte]))
      expect(reader.take()).toHaveLength(max)
    }
    const reader = new FrameReader('line', max)
    for (const sign of `${'x'.repeat(max)}\r\n`) reader.push(Buffer.from(sign))
    expect(reader.take()).toHaveLength(max)
  })
})

it.each([
  ['line', 'a\nb', 'line feed at byte 1'],
  ['line', 'a\r', 'carriage return'],
  ['line', 'x'.repeat(max + 1), 'more than the 300'],
  ['length', 'x'.repeat(max + 1), 'more than the 300'],
] as [Frames, string, string][])('by %s, %j cannot be sent', (frames, text, says) => {
  expect(noFrame(frames, Buffer.from(text), max)).toContain(says)
})
