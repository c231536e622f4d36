/** Both directions of one compression codec, synchronous. */
export interface BatchCodec {
  /** Throws when `bytes` were not made by this codec, or would become larger than `inflatedLimit`. */
  inflate(bytes: Buffer): Buffer
  deflate(bytes: Buffer): Buffer
}

/**
 * Bytes. Producers limit a batch before they pack it, to 1 MB by default, so none that is meant is near this; one that
 * would become larger is made to exhaust its readers.
 */
export const inflatedLimit = 1 << 27

/** Throws when a length found in compressed bytes cannot be true. */
export function checkInflatedSize(size: number, limit: number): void {
  if (size > Math.min(limit, inflatedLimit)) throw new Error(`an inflated size of ${size} bytes is not to be believed`)
}
