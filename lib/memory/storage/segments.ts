const smallest = 4 * 1024
const largest = 1024 * 1024

/** Where a batch lies. */
export interface Place {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/**
 * Append-only storage in growing blocks. Bytes are copied once, when they come in, so that a reader gets any run of
 * batches as one view without copying, and nobody who appended keeps a hold on what is stored. Bytes once written never
 * change: views stay valid for ever.
 */
export class Segments {
  #bytes = Buffer.alloc(0)
  #used = 0

  append(bytes: Uint8Array): Place {
    if (this.#used + bytes.length > this.#bytes.length) {
      // Doubling keeps thousands of quiet partitions small; 1 MiB is enough for a fetch not to be cut short often.
      const size = Math.min(largest, Math.max(smallest, this.#bytes.length * 2))
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(size, bytes.length))
      this.#used = 0
    }
    const start = this.#used
    this.#bytes.set(bytes, start)
    this.#used += bytes.length
    return { bytes: this.#bytes, start, end: this.#used }
  }
}
