import type { MillraceError } from '../../core/errors.js'
import type { Offset, TopicPartition } from '../../core/record.js'
import { Code, isRetriable } from '../connection/error-codes.js'

/** One batch on its way to one partition. */
export interface Sending extends TopicPartition {
  readonly bytes: Buffer
  /** Its place among all batches of the partition. */
  readonly order: number
  readonly resolve: (answer: { readonly baseOffset: Offset }) => void
  readonly reject: (error: MillraceError) => void
}

/** Brokers know the last five batches of a producer again (KIP-98): so many may be sent from the first unanswered one on. */
const mostSent = 5
const sequences = 0x8000_0000

/**
 * The batches of one partition, in order. After a failure that may pass nothing more is sent until everything in flight
 * has been answered; then all that is unacknowledged goes again, the same bytes in the same order, and the broker drops
 * what it has already.
 */
export class PartitionLane {
  #nextSequence = 0
  #nextOrder = 0
  readonly #waiting: Sending[] = []
  /** In flight, and those answered behind one that is not. */
  readonly #sent: Sending[] = []
  readonly #answered = new Set<Sending>()
  readonly #again: Sending[] = []
  #recovering = false
  /** After a failure one at a time, until one has been acknowledged: five at once may have been what broke it. */
  #cautious = false
  #setbacks = 0

  /** The sequence number for a batch of so many records. They wrap around. */
  takeSequence(records: number): number {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + records) % sequences
    return sequence
  }

  add({ topic, partition, bytes, resolve, reject }: Omit<Sending, 'order'>): void {
    this.#waiting.push({ topic, partition, bytes, order: this.#nextOrder++, resolve, reject })
  }

  /** How often it had to recover since a batch was last acknowledged. */
  get setbacks(): number {
    return this.#setbacks
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === 0 && this.#again.length === 0
  }

  /** Everything in flight has been answered and some of it must go again, after a pause. */
  get mustRecover(): boolean {
    return this.#recovering && this.#inFlight === 0
  }

  /** The batch to send next, now in flight; undefined when there is none or it must wait. */
  next(): Sending | undefined {
    const batch = this.#waiting[0]
    if (batch === undefined || this.#recovering || (this.#cautious && this.#sent.length > 0)) return undefined
    // Counted by place, not by number in flight: those behind the first may have been acknowledged in an earlier round.
    const first = this.#sent[0] ?? batch
    if (batch.order >= first.order + mostSent) return undefined
    this.#waiting.shift()
    this.#sent.push(batch)
    return batch
  }

  acknowledge(batch: Sending): void {
    this.#cautious = false
    this.#setbacks = 0
    this.#answer(batch)
  }

  /** Whether this failure only means that the batch must go again. */
  mayPass(batch: Sending, code: number): boolean {
    // A batch behind one that is not there yet is out of order until that one has gone again.
    const isBehind = this.#recovering || this.#sent[0] !== batch
    return isRetriable(code) || (code === Code.outOfOrderSequence && isBehind)
  }

  sendAgain(batch: Sending): void {
    this.#answer(batch)
    this.#again.push(batch)
    this.#recovering = true
  }

  /** Puts what must go again in front, in the order in which it was first sent. */
  recover(): void {
    // Two brokers may have answered in another order than they were asked.
    const again = this.#again.splice(0).sort((a, b) => a.order - b.order)
    this.#waiting.unshift(...again)
    this.#recovering = false
    this.#cautious = true
    this.#setbacks++
  }

  /** Takes out what is not in flight: it has lost its purpose. */
  drop(): Sending[] {
    return [...this.#again.splice(0), ...this.#waiting.splice(0)]
  }

  get #inFlight(): number {
    return this.#sent.length - this.#answered.size
  }

  #answer(batch: Sending): void {
    this.#answered.add(batch)
    for (let first = this.#sent[0]; first !== undefined && this.#answered.delete(first); first = this.#sent[0]) {
      this.#sent.shift()
    }
  }
}
