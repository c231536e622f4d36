/** Zigzag varints as Kafka's records use them (KIP-98). Only the cursor inlines them, and says what that gains. */

/** Bytes a 32-bit integer takes. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5
}

/** Writes a 32-bit integer; returns the position behind it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let at = position
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 127) {
    bytes[at++] = (zigzag & 127) | 128
    zigzag >>>= 7
  }
  bytes[at++] = zigzag
  return at
}

/** Bytes an integer below 2^52 takes. */
export function varlongSize(value: number): number {
  let size = 1
  for (let zigzag = zigzagOf(value); zigzag > 127; zigzag = Math.floor(zigzag / 128)) size++
  return size
}

/** Writes an integer below 2^52; returns the position behind it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  let at = position
  let zigzag = zigzagOf(value)
  for (; zigzag > 127; zigzag = Math.floor(zigzag / 128)) bytes[at++] = (zigzag % 128) | 128
  bytes[at++] = zigzag
  return at
}

function zigzagOf(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** Reads varints one after the other. Behind the end of the bytes it reads zeros: check `position` against the limit. */
export class VarintReader {
  readonly bytes: Uint8Array
  position: number

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes
    this.position = position
  }

  /** A 32-bit integer. */
  int(): number {
    let byte = this.#byte()
    let zigzag = byte & 127
    for (let shift = 7; byte > 127 && shift < 35; shift += 7) {
      byte = this.#byte()
      zigzag |= (byte & 127) << shift
    }
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  /** Steps over one varint of up to ten bytes. */
  skip(): void {
    for (let count = 0; count < 10 && this.#byte() > 127; count++);
  }

  #byte(): number {
    return this.bytes[this.position++] ?? 0
  }
}
