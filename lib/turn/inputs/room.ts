/** Asynchronous turns of one input under way, and turns that wait for them: above it nothing more of that input is read. */
const most = 256
/**
 * Once there are so many, reading goes on when there are no more than this: 28 CPU µs a turn against 64 when it goes on with
 * each that ends (bench/async-turns, on a busy machine).
 */
const few = 192
/** A turn that takes no longer is quick, milliseconds: 1 ms handlers take so long in a process that has much to do. */
const quickMs = 10

/** How much of one input is under way. What there is no room for is not read on; other inputs are not concerned. */
export class Room {
  #taken = 0
  #isFull = false
  #crowded = 0
  /** Part of its turns that were quick, of late. */
  #quickShare = 1

  /** No more turns may be begun. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Nothing more may be read: no more turns may be begun, or too many wait for one object. */
  get isHeld(): boolean {
    return this.#isFull || this.#crowded > 0
  }

  /** How many more may be begun. */
  get left(): number {
    return this.#isFull ? 0 : most - this.#taken
  }

  take(): void {
    if (++this.#taken >= most) this.#isFull = true
  }

  give(): void {
    if (--this.#taken <= few) this.#isFull = false
  }

  crowd(): void {
    this.#crowded++
  }

  ease(): void {
    this.#crowded--
  }

  /** A turn has ended after so long. */
  took(ms: number): void {
    this.#quickShare += ((ms <= quickMs ? 1 : 0) - this.#quickShare) / 32
  }

  /** Whether most of its turns are. */
  get isQuick(): boolean {
    return this.#quickShare > 0.5
  }

  /** Whether a turn that was begun so long ago is likely to end at once. */
  endsSoon(ms: number): boolean {
    return ms < quickMs && this.isQuick
  }

  clear(): void {
    this.#taken = this.#crowded = 0
    this.#isFull = false
  }
}
