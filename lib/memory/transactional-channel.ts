import { MillraceError, reasonOf } from '../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../core/record.js'
import type { CommitChannel, FinishedBatch, Generation } from '../log/port.js'
import type { Broker } from './broker.js'
import { BatchStamps } from './batch-stamps.js'
import type { Producer } from './transactions.js'

/** A transactional producer on the embedded log. What a call does is done at once; its answer comes a turn of the event loop later. */
export class TransactionalChannel implements CommitChannel {
  readonly id: string
  readonly #broker: Broker
  readonly #producer: Producer
  readonly #stamps: BatchStamps
  readonly #onClose: () => void
  /** Why the open transaction cannot be committed. */
  #failure: unknown

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
    })
  }

  append(partition: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    return this.#part(() => {
      const log = this.#broker.topics.partition(partition)
      this.#broker.transactions.demandWritable(this.#producer, log)
      return { baseOffset: this.#broker.append(log, batch, this.#stamps) }
    })
  }

  offsets(generation: Generation, consumed: Positions): Promise<void> {
    return this.#part(() => {
      const { transactions, groups } = this.#broker
      transactions.demandCurrent(this.#producer)
      groups.demandCurrent(generation)
      transactions.addOffsets(this.#producer, generation.group, consumed)
    })
  }

  commit(): Promise<void> {
    return this.#broker.answer(() => {
      this.#broker.transactions.demandCurrent(this.#producer)
      if (this.#failure !== undefined) {
        throw new MillraceError(
          'COMMIT_ABORTED',
          `Transaction '${this.id}' cannot be committed, a part of it failed: ${reasonOf(this.#failure)} Abort it and do its work again.`,
          { cause: this.#failure },
        )
      }
      this.#broker.transactions.end(this.#producer, 'commit')
    })
  }

  abort(): Promise<void> {
    return this.#broker.answer(() => this.#broker.transactions.end(this.#producer, 'abort'))
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
        this.#failure = error
        throw error
      }
    })
  }
}
