/**
 * Reads the primitive types of the Kafka protocol; the counterpart of `Writer`. Byte fields are views of the response,
 * never copies. Throws a RangeError when the response ends early.
 * Source: https://kafka.apache.org/protocol.html#protocol_types
 */
export class Reader {
  readonly flexible: boolean
  readonly #buffer: Buffer
  #position = 0
  #throttleMs = 0

  constructor(buffer: Buffer, flexible: boolean) {
    this.#buffer = buffer
    this.flexible = flexible
  }

  /** How long the broker asks us to send nothing (KIP-219). */
  get throttleMs(): number {
    return this.#throttleMs
  }

  /** The field `throttle_time_ms`. */
  throttle(): void {
    this.#throttleMs = this.int32()
  }

  int8(): number {
    return this.#buffer.readInt8(this.#advance(1))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4))
  }

  /** Offsets and times, exact below 2^53. */
  int64(): number {
    const at = this.#advance(8)
    return this.#buffer.readInt32BE(at) * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4)
  }

  /** Producer ids, which use all 64 bits. */
  bigint64(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8))
  }

  uuid(): string {
    const at = this.#advance(16)
    return this.#buffer.toString('hex', at, at + 16)
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#advance(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError('A varint of more than five bytes.')
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  nullableString(): string | null {
    const size = this.flexible ? this.unsignedVarint() - 1 : this.int16()
    if (size < 0) return null
    const at = this.#advance(size)
    return this.#buffer.toString('utf8', at, at + size)
  }

  /** A view; empty when the field is null. */
  bytes(): Buffer {
    const size = this.flexible ? this.unsignedVarint() - 1 : this.int32()
    if (size <= 0) return empty
    const at = this.#advance(size)
    return this.#buffer.subarray(at, at + size)
  }

  /** Empty when the field is null. */
  array<T>(read: () => T): T[] {
    const count = this.flexible ? this.unsignedVarint() - 1 : this.int32()
    const items: T[] = []
    for (let index = 0; index < count; index++) items.push(read())
    return items
  }

  /** Ends a structure: skips tagged fields, where there can be any. */
  end(): void {
    if (!this.flexible) return
    for (let fields = this.unsignedVarint(); fields > 0; fields--) {
      this.unsignedVarint()
      this.#advance(this.unsignedVarint())
    }
  }

  #advance(bytes: number): number {
    const at = this.#position
    if (at + bytes > this.#buffer.length) throw new RangeError('The response ends early.')
    this.#position = at + bytes
    return at
  }
}

const empty = Buffer.alloc(0)
