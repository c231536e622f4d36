import { Frames } from './frames.js'

function message(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

const bodies = [Buffer.alloc(4, 1), Buffer.alloc(5, 2), Buffer.alloc(300, 3), Buffer.alloc(4, 4)]
const stream = Buffer.concat(bodies.map(message))

function received(pieces: readonly Buffer[]): Buffer[] {
  const frames = new Frames()
  const all: Buffer[] = []
  for (const piece of pieces) frames.push(piece, (one) => all.push(Buffer.from(one.subarray(4))))
  return all
}

describe('messages of a stream', () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 9, 13, 300, stream.length])('are whole when it comes in pieces of %d bytes', (size) => {
    const pieces = []
    for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size))
    expect(received(pieces)).toEqual(bodies)
  })

  it('are given with the piece that completes them, not later', () => {
    const frames = new Frames()
    const give = jest.fn()
    frames.push(stream.subarray(0, 7), give)
    expect(give).not.toHaveBeenCalled()
    frames.push(stream.subarray(7, 8), give)
    expect(give).toHaveBeenCalledTimes(1)
  })

  it('are views of a piece that has them whole', () => {
    new Frames().push(stream, (one) => expect(one.buffer).toBe(stream.buffer))
  })

  it.each([-1, 0, 3])('cannot be %d bytes long: an answer says at least what it answers', (length) => {
    const piece = Buffer.alloc(12)
    piece.writeInt32BE(length)
    expect(() => received([piece])).toThrow(new RangeError(`a message of ${length} bytes`))
  })
})
