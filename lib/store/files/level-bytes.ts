import { crc32c } from '../../core/crc32c.js'

/** Reads the little-endian and variable-length numbers of LevelDB's files. */
export class LevelBytes {
  readonly #view: DataView
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  /** Base 128, least significant group first. Behind the end it throws a RangeError, as every read here. */
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#view.getUint8(this.at++)
      value += (byte & 127) * scale
      if (byte < 128) return value
      if (scale > 2 ** 49) throw new RangeError('a number is too long')
    }
  }

  uint32(): number {
    this.at += 4
    return this.#view.getUint32(this.at - 4, true)
  }

  uint64(): number {
    this.at += 8
    return Number(this.#view.getBigUint64(this.at - 8, true))
  }
}

/** A checksum as LevelDB stores it: rotated and shifted, so that the checksum of a checksum is no trivial number. */
export function storedChecksum(bytes: Uint8Array, start: number, end: number): number {
  const crc = crc32c(bytes, start, end)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
