/**
 * Writes the primitive types of the Kafka protocol. In a flexible version (KIP-482) strings, byte fields and arrays carry
 * compact lengths and every structure ends in tagged fields; the writer knows which it is, so that one encoder serves all
 * versions of a request. Source: https://kafka.apache.org/protocol.html#protocol_types
 */
export class Writer {
  readonly flexible: boolean
  #buffer: Buffer
  #length = 0

  constructor(flexible: boolean, sizeHint = 256) {
    this.flexible = flexible
    this.#buffer = Buffer.allocUnsafe(sizeHint)
  }

  /** What has been written; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  int8(value: number): this {
    this.#reserve(1)
    this.#length = this.#buffer.writeInt8(value, this.#length)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  int16(value: number): this {
    this.#reserve(2)
    this.#length = this.#buffer.writeInt16BE(value, this.#length)
    return this
  }

  int32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeInt32BE(value, this.#length)
    return this
  }

  int64(value: number | bigint): this {
    this.#reserve(8)
    this.#length = this.#buffer.writeBigInt64BE(BigInt(value), this.#length)
    return this
  }

  unsignedVarint(value: number): this {
    this.#reserve(5)
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** From 32 hexadecimal digits. */
  uuid(value: string): this {
    return this.raw(Buffer.from(value, 'hex'))
  }

  string(value: string | null): this {
    if (value === null) return this.flexible ? this.unsignedVarint(0) : this.int16(-1)
    const size = Buffer.byteLength(value)
    if (this.flexible) this.unsignedVarint(size + 1)
    else this.int16(size)
    this.#reserve(size)
    this.#length += this.#buffer.write(value, this.#length, 'utf8')
    return this
  }

  bytes(value: Uint8Array | null): this {
    if (value === null) return this.flexible ? this.unsignedVarint(0) : this.int32(-1)
    if (this.flexible) this.unsignedVarint(value.length + 1)
    else this.int32(value.length)
    return this.raw(value)
  }

  raw(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
    return this
  }

  array<T>(items: readonly T[] | null, write: (item: T) => void): this {
    if (items === null) return this.flexible ? this.unsignedVarint(0) : this.int32(-1)
    if (this.flexible) this.unsignedVarint(items.length + 1)
    else this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  /** Ends a structure: no tagged fields, where there can be any. */
  end(): this {
    return this.flexible ? this.unsignedVarint(0) : this
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
