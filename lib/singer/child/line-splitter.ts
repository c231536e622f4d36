import { MillraceError } from '../../core/errors.js'

/** Lines of a stream of bytes, without their ends. Throws `CHILD_FAILED` for one that is longer than it may be. */
export class LineSplitter {
  readonly #maxBytes: number
  readonly #who: string
  #rest: Buffer[] = []
  #restBytes = 0
  #count = 0

  constructor(who: string, maxBytes: number) {
    this.#who = who
    this.#maxBytes = maxBytes
  }

  /** Lines that have ended. They share their memory with the chunk. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; start = end + 1, end = chunk.indexOf(10, start)) {
      this.#checkLength(end - start)
      const part = chunk.subarray(start, end)
      lines.push(this.#restBytes === 0 ? part : Buffer.concat([...this.#rest, part]))
      this.#count++
      if (this.#restBytes === 0) continue
      this.#rest = []
      this.#restBytes = 0
    }
    if (start === chunk.length) return lines
    this.#checkLength(chunk.length - start)
    this.#rest.push(chunk.subarray(start))
    this.#restBytes += chunk.length - start
    return lines
  }

  /** What came after the last end of a line. */
  get rest(): Buffer {
    return Buffer.concat(this.#rest)
  }

  #checkLength(more: number): void {
    if (this.#restBytes + more <= this.#maxBytes) return
    throw new MillraceError(
      'CHILD_FAILED',
      `${this.#who}: line ${this.#count + 1} of its stdout has more than ${this.#maxBytes} bytes. Set maxLineBytes, or let it end its lines`,
    )
  }
}
