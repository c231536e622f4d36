import { keyText } from '../../core/key-format.js'
import { VarintReader, writeVarint } from '../../log/format/varint.js'

/** What a writer begins with. */
const initialBytes = 1_024
/** Up to here a loop beats the call into native code. */
const shortText = 24
/** Room above which it is not kept: a writer must not hold its peak for ever. */
const keptBytes = 65_536

/** Writes fields one after the other; `FieldReader` reads them in the same order. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafeSlow(initialBytes)
  #end = 0

  /** A 32-bit integer. */
  int(value: number): this {
    this.#room(5)
    this.#end = writeVarint(this.#bytes, this.#end, value)
    return this
  }

  /** Any number, exactly: times and offsets are beyond 32 bits. */
  number(value: number): this {
    this.#room(8)
    this.#end = this.#bytes.writeDoubleBE(value, this.#end)
    return this
  }

  text(value: string): this {
    if (value.length <= shortText && this.#shortText(value)) return this
    const size = Buffer.byteLength(value)
    this.#room(5 + size)
    this.#end = writeVarint(this.#bytes, this.#end, size)
    this.#end += this.#bytes.write(value, this.#end, 'utf8')
    return this
  }

  /** False for one that is not ASCII; then nothing was written. */
  #shortText(value: string): boolean {
    const { length } = value
    this.#room(1 + length)
    const bytes = this.#bytes
    const start = this.#end + 1
    bytes[this.#end] = length << 1
    let seen = 0
    for (let index = 0; index < length; index++) seen |= bytes[start + index] = value.charCodeAt(index)
    if (seen > 127) return false
    this.#end = start + length
    return true
  }

  bytes(value: Uint8Array | null): this {
    const size = value === null ? -1 : value.length
    this.#room(5 + Math.max(size, 0))
    this.#end = writeVarint(this.#bytes, this.#end, size)
    if (value === null) return this
    this.#bytes.set(value, this.#end)
    this.#end += size
    return this
  }

  /** What was written, as a view that is valid until something is written again. */
  take(): Buffer {
    const written = this.#bytes.subarray(0, this.#end)
    this.#end = 0
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(initialBytes)
    return written
  }

  #room(size: number): void {
    if (this.#end + size <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + size))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

/** Throws `RangeError` where the bytes end before a field does. */
export class FieldReader {
  readonly #bytes: Buffer
  readonly #varints: VarintReader

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#varints = new VarintReader(bytes, 0)
  }

  int(): number {
    const value = this.#varints.int()
    this.#demand(this.#varints.position)
    return value
  }

  number(): number {
    const value = this.#bytes.readDoubleBE(this.#varints.position)
    this.#varints.position += 8
    return value
  }

  text(): string {
    const size = this.int()
    const start = this.#step(size)
    return keyText(this.#bytes, start, start + size)
  }

  /** A view of the bytes. */
  bytes(): Uint8Array | null {
    const size = this.int()
    if (size === -1) return null
    const start = this.#step(size)
    return this.#bytes.subarray(start, start + size)
  }

  get atEnd(): boolean {
    return this.#varints.position === this.#bytes.length
  }

  #step(size: number): number {
    const start = this.#varints.position
    if (size < 0) throw new RangeError(`a size of ${size}`)
    this.#demand(start + size)
    this.#varints.position = start + size
    return start
  }

  #demand(position: number): void {
    if (position > this.#bytes.length) throw new RangeError('cut off')
  }
}
