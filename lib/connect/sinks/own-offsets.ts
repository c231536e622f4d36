import type { CommittedOffset, Generation } from '../../log/port.js'
import type { GroupOffsets } from './group-offsets.js'

/**
 * The offsets of one partition, for as long as it is ours: they are committed under the generation in which it was given to this process, and
 * no other, so that who goes on after it was taken away is refused.
 */
export class OwnOffsets {
  readonly #group: GroupOffsets
  readonly #generation: Generation
  readonly #partition: number

  constructor(group: GroupOffsets, generation: Generation, partition: number) {
    this.#group = group
    this.#generation = generation
    this.#partition = partition
  }

  /** See `GroupOffsets`. */
  load(count: number, topicId: string): Promise<CommittedOffset | undefined> {
    return this.#group.load(this.#partition, count, topicId)
  }

  get hadAtFirst(): boolean {
    return this.#group.hadAtFirst(this.#partition)
  }

  note(offset: number): void {
    this.#group.note(this.#generation, this.#partition, offset)
  }

  commit(offset: number, batch?: string): Promise<void> {
    return this.#group.commit(this.#generation, this.#partition, offset, batch)
  }

  flush(): Promise<void> {
    return this.#group.flush()
  }

  forget(): void {
    this.#group.forget(this.#partition)
  }
}
