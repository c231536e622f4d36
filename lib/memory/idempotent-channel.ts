import { MillraceError, reasonOf } from '../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../core/record.js'
import type { CommitChannel, FinishedBatch, Generation, OffsetNotes } from '../log/port.js'
import { BatchStamps } from './broker/batch-stamps.js'
import type { Broker } from './broker/broker.js'

/** An idempotent producer on the embedded log: what is appended is visible at once, offsets are committed by `commit`. */
export class IdempotentChannel implements CommitChannel {
  readonly id = ''
  readonly #broker: Broker
  readonly #stamps: BatchStamps
  #consumed: (readonly [generation: Generation, positions: Positions, notes: OffsetNotes | undefined])[] = []
  #failure: unknown

  constructor(broker: Broker) {
    this.#broker = broker
    this.#stamps = new BatchStamps(broker.transactions.idempotent(), false)
  }

  begin(touching: readonly TopicPartition[], _group: string | undefined): Promise<void> {
    return this.#broker.answer(() => {
      for (const partition of touching) this.#broker.topics.partition(partition)
      this.#forget()
    })
  }

  append(partition: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    return this.#part(() => {
      const log = this.#broker.topics.partition(partition)
      return { baseOffset: this.#broker.append(log, batch, this.#stamps) }
    })
  }

  offsets(generation: Generation, consumed: Positions, notes?: OffsetNotes): Promise<void> {
    return this.#part(() => {
      this.#broker.groups.demandCurrent(generation)
      this.#consumed.push([generation, consumed, notes])
    })
  }

  commit(): Promise<void> {
    return this.#broker.answer(() => {
      try {
        if (this.#failure !== undefined) throw this.#failure
        // The group may have moved on since.
        for (const [generation] of this.#consumed) this.#broker.groups.demandCurrent(generation)
      } catch (error) {
        throw new MillraceError(
          'COMMIT_ABORTED',
          `The offsets cannot be committed: ${reasonOf(error)} Abort and do the work again.`,
          { cause: error },
        )
      }
      for (const [{ group }, positions, notes] of this.#consumed) this.#broker.offsets.commit(group, positions, notes)
      this.#forget()
    })
  }

  abort(): Promise<void> {
    return this.#broker.answer(() => this.#forget())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort()
  }

  #forget(): void {
    this.#consumed = []
    this.#failure = undefined
  }

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
