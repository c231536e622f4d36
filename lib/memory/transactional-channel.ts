import { MillraceError, reasonOf } from '../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../core/record.js'
import type { CommitChannel, FinishedBatch, Generation, OffsetNotes } from '../log/port.js'
import type { Broker } from './broker/broker.js'
import { BatchStamps } from './broker/batch-stamps.js'
import type { Producer } from './broker/transactions.js'

/** A transactional producer on the embedded log. What a call does is done at once; its answer comes a turn of the event loop later. */
export class TransactionalChannel implements CommitChannel {
  readonly id: string
  readonly #broker: Broker
  readonly #producer: Producer
  readonly #stamps: BatchStamps
  readonly #onClose: () => void
  /** Why the open transaction cannot be committed. */
  #failure: unknown
  /** Why its offsets were refused as of an older generation, unless they have been accepted under a newer one since. */
  #stale: unknown

  constructor(broker: Broker, id: string, onClose: () => void) {
    this.id = id
    this.#broker = broker
    this.#producer = broker.transactions.init(id)
    this.#stamps = new BatchStamps(this.#producer, true)
    this.#onClose = onClose
  }

  begin(touching: readonly TopicPartition[], group: string | undefined): Promise<void> {
    return this.#broker.answer(() => {
      const partitions = touching.map((at) => this.#broker.topics.partition(at))
      this.#broker.transactions.begin(this.#producer, partitions, group)
      this.#failure = undefined
      this.#stale = undefined
    })
  }

  append(partition: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    return this.#part(() => {
      const log = this.#broker.topics.partition(partition)
      this.#broker.transactions.demandWritable(this.#producer, log)
      return { baseOffset: this.#broker.append(log, batch, this.#stamps) }
    })
  }

  offsets(generation: Generation, consumed: Positions, notes?: OffsetNotes): Promise<void> {
    return this.#part(() => {
      const { transactions, groups } = this.#broker
      transactions.demandCurrent(this.#producer)
      groups.demandCurrent(generation)
      transactions.addOffsets(this.#producer, generation.group, consumed, notes)
      this.#stale = undefined
    })
  }

  commit(): Promise<void> {
    return this.#broker.answer(() => {
      this.#broker.transactions.demandCurrent(this.#producer)
      const failure = this.#failure ?? this.#stale
      if (failure !== undefined) {
        throw new MillraceError(
          'COMMIT_ABORTED',
          `Transaction '${this.id}' cannot be committed, a part of it failed: ${reasonOf(failure)} Abort it and do its work again.`,
          { cause: failure },
        )
      }
      this.#broker.transactions.commit(this.#producer)
    })
  }

  abort(): Promise<void> {
    return this.#broker.answer(() => this.#broker.transactions.abort(this.#producer))
  }

  /** Aborts what is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#onClose()
    if (!this.#broker.transactions.isFenced(this.#producer)) await this.abort()
  }

  /** A part of the transaction: when it fails, commit is out of reach. */
  #part<T>(act: () => T): Promise<T> {
    return this.#broker.answer(() => {
      try {
        return act()
      } catch (error) {
        if (MillraceError.is(error, 'GENERATION_STALE')) this.#stale = error
        else this.#failure = error
        throw error
      }
    })
  }
}
