/** Both directions of one compression codec, synchronous. */
export interface BatchCodec {
  /** Throws when `bytes` were not made by this codec, or would become larger than `inflatedLimit`. */
  inflate(bytes: Buffer): Buffer
  deflate(bytes: Buffer): Buffer
}

/** Bytes. Batches are 1 MB by default and never near this; a damaged length asks for anything. */
export const inflatedLimit = 1 << 29

/** Throws when a length found in compressed bytes cannot be true. */
export function checkInflatedSize(size: number, limit: number): void {
  if (size > Math.min(limit, inflatedLimit)) throw new Error(`an inflated size of ${size} bytes is not to be believed`)
}
