import { MillraceError } from '../core/errors.js'
import type { Headers } from '../core/record.js'
import { attribute, headerBytes } from './format/batch-header.js'
import { codecNumber, deflate, type Compression } from './compression/compression.js'
import { sectionSize, writeHeaders, type HeaderSection } from './format/record-headers.js'
import { writeHeader } from './format/stamp.js'
import { varintSize, varlongSize, writeVarint, writeVarlong } from './format/varint.js'
import type { BatchBuilder, FinishedBatch } from './port.js'

export interface BatchBuilderOptions {
  /** `none` by default. Any other must have been loaded before `finish`: see `loadCompression`. */
  readonly compression?: Compression
  /** What to begin with; doubled as needed. 16 KiB by default. */
  readonly initialBytes?: number
}

/** Above this a working buffer is not kept for the next batch: a builder per partition must not hold its peak for ever. */
const keptBytes = 1 << 20
/** Below this packing costs its fixed 10 µs and saves a few hundred bytes at most. */
const worthPacking = 512
/** Above this three samples, of so many bytes each, say first whether it packs: images cost 33 ms a megabyte, JSON 3. */
const sampledBytes = 64 * 1024
const sampleBytes = 8 * 1024
/** Lengths, attributes, deltas and a header count, each at its longest. */
const overheadBytes = 5 + 1 + 10 + 5 + 5 + 5 + 5
/** What became of a record: a text takes another number of bytes than said; the batch would be larger than it may be. */
const written = 0
const misjudged = 1
const full = 2
/** Up to here room for three bytes a character is cheaper than counting them. */
const longText = 1024
/** Up to here a loop beats the call into native code: 15 against 45 ns for 10 characters, even at 30. */
const shortText = 24

/**
 * Builds RecordBatch v2 in place. Text is written once, straight into the batch, on the guess that it is ASCII; the write
 * itself tells whether the guess held, and a record where it did not is written again with its lengths counted. Counting
 * first would cost 35 ns for 100 characters.
 */
export function batchBuilder(options: BatchBuilderOptions = {}): BatchBuilder {
  return new GrowingBatch(options.compression ?? 'none', Math.max(options.initialBytes ?? 16_384, headerBytes))
}

class GrowingBatch implements BatchBuilder {
  readonly #compression: Compression
  readonly #initialBytes: number
  #bytes: Buffer
  #end = headerBytes
  #count = 0
  #baseTimestamp = NaN
  #maxTimestamp = NaN

  constructor(compression: Compression, initialBytes: number) {
    this.#compression = compression
    this.#initialBytes = initialBytes
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  /** Bytes of the batch so far, before compression, its 61 bytes of header included. */
  get size(): number {
    return this.#end
  }

  get count(): number {
    return this.#count
  }

  add(
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
    limit = Infinity,
  ): boolean {
    // A guess is never above what the text takes, so what is too much by the guess is too much.
    const outcome = this.#write(key, value, timestamp, headers, guessedSize(key), guessedSize(value), limit)
    if (outcome !== misjudged) return outcome === written
    return this.#write(key, value, timestamp, headers, exactSize(key), exactSize(value), limit) === written
  }

  finish(): FinishedBatch {
    const records = this.#count
    if (records === 0) {
      throw new MillraceError(
        'BATCH_CORRUPT',
        'Nothing was added to this batch, and brokers refuse an empty one: add a record first.',
      )
    }
    const plain = this.#bytes.subarray(headerBytes, this.#end)
    const packed = this.#packed(plain)
    // A copy of the right size (10 ns per 100 bytes), so that the working buffer stays warm and large batches hold no slack.
    const bytes = Buffer.allocUnsafe(headerBytes + packed.length)
    packed.copy(bytes, headerBytes)
    writeHeader(bytes, {
      attributes: codecNumber(packed === plain ? 'none' : this.#compression) & attribute.codec,
      lastOffsetDelta: records - 1,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      records,
    })
    this.#end = headerBytes
    this.#count = 0
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(this.#initialBytes)
    return { bytes, records }
  }

  /** As they are when packing does not make them smaller: so a batch is never larger than `size` said. */
  #packed(plain: Buffer): Buffer {
    if (this.#compression === 'none' || plain.length < worthPacking || !packs(this.#compression, plain)) return plain
    const packed = deflate(this.#compression, plain)
    return packed.length < plain.length ? packed : plain
  }

  /** Unless it is `written` nothing has changed. */
  #write(
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers: Headers | HeaderSection | undefined,
    keySize: number,
    valueSize: number,
    limit: number,
  ): typeof written | typeof misjudged | typeof full {
    const headersBytes = headers === undefined ? 1 : sectionSize(headers)
    const delta = this.#count === 0 ? 0 : Math.trunc(timestamp - this.#baseTimestamp)
    const body =
      1 +
      (delta === (delta << 1) >> 1 ? varintSize(delta) : varlongSize(delta)) +
      varintSize(this.#count) +
      sizeWithLength(keySize) +
      sizeWithLength(valueSize) +
      headersBytes
    if (this.#count > 0 && this.#end + varintSize(body) + body > limit) return full
    const room = this.#end + overheadBytes + roomFor(keySize) + roomFor(valueSize) + headersBytes
    if (room > this.#bytes.length) this.#grow(room)

    const bytes = this.#bytes
    let at = writeVarint(bytes, this.#end, body)
    bytes[at++] = 0
    at = delta === (delta << 1) >> 1 ? writeVarint(bytes, at, delta) : writeVarlong(bytes, at, delta)
    at = writeVarint(bytes, at, this.#count)
    at = writeVarint(bytes, at, keySize)
    if (key !== null) {
      if (writeContent(bytes, at, key, keySize) !== keySize) return misjudged
      at += keySize
    }
    at = writeVarint(bytes, at, valueSize)
    if (value !== null) {
      if (writeContent(bytes, at, value, valueSize) !== valueSize) return misjudged
      at += valueSize
    }
    if (headersBytes === 1) bytes[at++] = 0
    else at = writeSection(bytes, at, headers!)

    if (this.#count === 0) this.#baseTimestamp = this.#maxTimestamp = Math.trunc(timestamp)
    else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = Math.trunc(timestamp)
    this.#end = at
    this.#count++
    return written
  }

  #grow(room: number): void {
    let size = this.#bytes.length * 2
    while (size < room) size *= 2
    const grown = Buffer.allocUnsafeSlow(size)
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

function writeSection(bytes: Buffer, at: number, headers: Headers | HeaderSection): number {
  if (!(headers instanceof Uint8Array)) return writeHeaders(bytes, at, headers)
  bytes.set(headers, at)
  return at + headers.length
}

function packs(compression: Compression, plain: Buffer): boolean {
  if (plain.length < sampledBytes) return true
  const last = plain.length - sampleBytes
  const samples = Buffer.concat([0, last >> 1, last].map((at) => plain.subarray(at, at + sampleBytes)))
  return deflate(compression, samples).length < samples.length * 0.95
}

function guessedSize(content: string | Uint8Array | null): number {
  return content === null
    ? -1
    : typeof content === 'string' && content.length > longText
      ? Buffer.byteLength(content)
      : content.length
}

function exactSize(content: string | Uint8Array | null): number {
  return content === null ? -1 : typeof content === 'string' ? Buffer.byteLength(content) : content.length
}

/** A wrong guess must not cut a text: the part that fits could have just the guessed size. */
function roomFor(size: number): number {
  return size > longText ? size : 3 * Math.max(size, 0)
}

function sizeWithLength(size: number): number {
  return size < 0 ? 1 : varintSize(size) + size
}

/** Bytes written, or -1 when a short text is not ASCII as `size` would have it. */
function writeContent(bytes: Buffer, at: number, content: string | Uint8Array, size: number): number {
  if (typeof content !== 'string') {
    if (size > shortText) bytes.set(content, at)
    else for (let index = 0; index < size; index++) bytes[at + index] = content[index]!
    return size
  }
  if (size > shortText || content.length !== size) return bytes.write(content, at, roomFor(size), 'utf8')
  let seen = 0
  for (let index = 0; index < size; index++) {
    const code = content.charCodeAt(index)
    seen |= code
    bytes[at + index] = code
  }
  return seen > 127 ? -1 : size
}
