/** How frames are told apart: each behind its length, 4 bytes big-endian, or each on a line of its own. */
export type Frames = 'length' | 'line'

/** What comes can never become a frame: there is no way on behind it, since nobody knows where the next one begins. */
export class FrameInvalid extends Error {}

const headBytes = 4
const lineFeed = 10
const carriageReturn = 13
const leastSlab = 4_096
const nothing: Buffer = Buffer.alloc(0)

/** Where the bytes of a frame are, and where the next one begins. */
interface Head {
  readonly from: number
  readonly to: number
  readonly next: number
}

/**
 * Cuts what comes from a connection into frames, however it was split on the way. Bytes are kept as they came and are cut
 * only when asked for: so what waits costs what it weighs, however many frames it is, and a length that lies costs nothing.
 */
export class FrameReader {
  readonly #frames: Frames
  readonly #maxFrameBytes: number
  /** What is filled of `#slab`. Slabs are never filled anew, since frames are parts of them. */
  #view: Buffer = nothing
  #slab: Buffer = nothing
  #start = 0
  /** Up to where no line feed is. */
  #searched = 0
  #head: Head | undefined

  constructor(frames: Frames, maxFrameBytes: number) {
    this.#frames = frames
    this.#maxFrameBytes = maxFrameBytes
  }

  /** What waits. */
  get bytes(): number {
    return this.#view.length - this.#start
  }

  push(chunk: Buffer): void {
    const waiting = this.bytes
    if (waiting === 0) {
      this.#view = this.#slab = chunk
      this.#start = this.#searched = 0
      this.#head = undefined
      return
    }
    const filled = this.#view.length
    if (filled + chunk.length > this.#slab.length) return this.#begin(chunk)
    chunk.copy(this.#slab, filled)
    this.#view = this.#slab.subarray(0, filled + chunk.length)
  }

  /** Whether `take` would give a frame. Throws `FrameInvalid`. */
  get hasFrame(): boolean {
    this.#head ??= this.#frames === 'length' ? this.#behindLength() : this.#line()
    return this.#head !== undefined
  }

  /** The next frame; undefined when it is not whole. Throws `FrameInvalid`. */
  take(): Buffer | undefined {
    if (!this.hasFrame) return undefined
    const { from, to, next } = this.#head as Head
    this.#head = undefined
    this.#start = this.#searched = next
    return from === to ? nothing : this.#view.subarray(from, to)
  }

  /** A new slab, twice as large as what waits, so that what comes in single bytes is not copied again with each. */
  #begin(chunk: Buffer): void {
    const waiting = this.bytes
    const slab = Buffer.allocUnsafeSlow(Math.max(leastSlab, waiting * 2, waiting + chunk.length))
    this.#view.copy(slab, 0, this.#start)
    chunk.copy(slab, waiting)
    this.#slab = slab
    this.#view = slab.subarray(0, waiting + chunk.length)
    this.#searched -= this.#start
    this.#start = 0
    this.#head = undefined
  }

  #behindLength(): Head | undefined {
    if (this.bytes < headBytes) return undefined
    const length = this.#view.readUInt32BE(this.#start)
    if (length > this.#maxFrameBytes)
      throw new FrameInvalid(`its length says ${length} bytes, more than the ${this.#maxFrameBytes} that are taken`)
    const from = this.#start + headBytes
    const to = from + length
    return to > this.#view.length ? undefined : { from, to, next: to }
  }

  #line(): Head | undefined {
    const end = this.#view.indexOf(lineFeed, this.#searched)
    const isWhole = end >= 0
    const last = (isWhole ? end : this.#view.length) - 1
    const to = last >= this.#start && this.#view[last] === carriageReturn ? last : last + 1
    if (to - this.#start > this.#maxFrameBytes)
      throw new FrameInvalid(`the line has more than the ${this.#maxFrameBytes} bytes that are taken`)
    if (isWhole) return { from: this.#start, to, next: end + 1 }
    this.#searched = this.#view.length
    return undefined
  }
}
