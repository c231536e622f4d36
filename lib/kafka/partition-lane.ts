import type { MillraceError } from '../core/errors.js'
import type { Offset, TopicPartition } from '../core/record.js'
import { Code, isRetriable } from './error-codes.js'

/** One batch on its way to one partition. */
export interface Sending extends TopicPartition {
  readonly bytes: Buffer
  readonly resolve: (answer: { readonly baseOffset: Offset }) => void
  readonly reject: (error: MillraceError) => void
}

/** Brokers de-duplicate the last five batches of a producer (KIP-98), so no more may be unanswered. */
const mostInFlight = 5
const sequences = 0x8000_0000

/**
 * The batches of one partition, in order. After a failure that may pass nothing more is sent until everything in flight
 * has been answered; then all that is unacknowledged goes again, the same bytes in the same order, and the broker drops
 * what it has already.
 */
export class PartitionLane {
  #nextSequence = 0
  readonly #waiting: Sending[] = []
  #inFlight: Sending[] = []
  readonly #again: Sending[] = []
  #recovering = false

  /** The sequence number for a batch of so many records. They wrap around. */
  takeSequence(records: number): number {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + records) % sequences
    return sequence
  }

  add(batch: Sending): void {
    this.#waiting.push(batch)
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight.length === 0 && this.#again.length === 0
  }

  get inFlight(): number {
    return this.#inFlight.length
  }

  /** Everything in flight has been answered and some of it must go again, after a pause. */
  get mustRecover(): boolean {
    return this.#recovering && this.#inFlight.length === 0
  }

  /** The batch to send next, now in flight; undefined when there is none or it must wait. */
  next(): Sending | undefined {
    if (this.#recovering || this.#inFlight.length >= mostInFlight) return undefined
    const batch = this.#waiting.shift()
    if (batch !== undefined) this.#inFlight.push(batch)
    return batch
  }

  acknowledge(batch: Sending): void {
    this.#remove(batch)
  }

  /** Whether this failure only means that the batch must go again. */
  mayPass(code: number): boolean {
    // A batch behind one that failed is out of order until that one has gone again.
    return isRetriable(code) || (code === Code.outOfOrderSequence && this.#recovering)
  }

  sendAgain(batch: Sending): void {
    this.#remove(batch)
    this.#again.push(batch)
    this.#recovering = true
  }

  /** Puts what must go again in front, in the order in which it was first sent. */
  recover(): void {
    this.#waiting.unshift(...this.#again.splice(0))
    this.#recovering = false
  }

  /** Takes out what is not in flight: it has lost its purpose. */
  drop(): Sending[] {
    return [...this.#again.splice(0), ...this.#waiting.splice(0)]
  }

  #remove(batch: Sending): void {
    this.#inFlight = this.#inFlight.filter((other) => other !== batch)
  }
}
