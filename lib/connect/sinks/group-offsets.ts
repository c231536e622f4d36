import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { allPartitions, PositionMap } from '../../core/record.js'
import type { CommitChannel, CommittedOffset, Generation, LogPort } from '../../log/port.js'
import { noteIn, noteText } from './beginning.js'

/** How long what is written waits until its offset is committed, at most. */
const everyMs = 100

export interface GroupOffsetsOptions {
  readonly log: LogPort
  readonly group: string
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  readonly onCommit: () => void
}

interface Noted {
  readonly generation: Generation
  readonly offset: number
}

/** What the group of a sink has committed. What is written is noted, and committed soon: never before it is written. */
export class GroupOffsets {
  readonly #options: GroupOffsetsOptions
  readonly #stop: () => void
  readonly #waiting = new Map<number, Noted>()
  readonly #committed = new Map<number, number>()
  /** Of the topic that is read, and how many partitions it had when the sink was first started. */
  #topicId = ''
  /** By partition: of the topic that is written there, until the partition is opened anew. */
  readonly #topics = new Map<number, string>()
  #first: number | undefined
  #channel: CommitChannel | undefined
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve()
  #isDue = false
  /** Why the last commit failed. */
  trouble: string | undefined

  constructor(options: GroupOffsetsOptions) {
    this.#options = options
    this.#stop = options.clock.every(everyMs, () => {
      if (this.#waiting.size > 0 && !this.#isDue) void this.flush()
    })
  }

  /** What is committed of one partition; waits for what is pending. `count`: partitions of the topic now. */
  async load(partition: number, count: number, topicId: string): Promise<CommittedOffset | undefined> {
    const { log, group, topic } = this.#options
    // What a flush commits meanwhile would be known to nobody.
    return await this.#inTurn(async () => {
      const all = await log.admin.groupOffsets(group, allPartitions(topic, count), 'stable')
      const noted = all.map((one) => ({ ...one, note: noteIn(one.note) })).filter(({ note }) => note.topic === topicId)
      for (const one of noted) this.#passed(one)
      const known = noted.flatMap(({ note: { first } }) => (first === undefined ? [] : [first]))
      if (this.#topicId !== topicId) this.#first = undefined
      this.#topicId = topicId
      this.#topics.set(partition, topicId)
      if (known.length > 0) this.#first = Math.min(...known)
      else this.#first ??= all.length === 0 ? count : 0
      return all.find((one) => one.partition === partition)
    })
  }

  /** Whether the topic had this partition when the sink was first started. To be asked after `load`. */
  hadAtFirst(partition: number): boolean {
    return partition < (this.#first ?? 0)
  }

  /** All before this offset is written. */
  note(generation: Generation, partition: number, offset: number): void {
    if (this.#committed.get(partition) !== offset) this.#waiting.set(partition, { generation, offset })
    else this.#waiting.delete(partition)
  }

  /** Commits what was noted. Never rejects: what is not committed is so with the next one. */
  async flush(): Promise<void> {
    this.#isDue = true
    try {
      await this.#inTurn(async () => {
        // What was written of a topic that is not there any more would be taken for an offset of the new one.
        for (const partition of this.#waiting.keys()) if (this.#isOfOld(partition)) this.#waiting.delete(partition)
        for (const generation of new Set([...this.#waiting.values()].map((noted) => noted.generation))) {
          const due = [...this.#waiting].filter(([, noted]) => noted.generation === generation)
          await this.#commit(generation, new Map(due.map(([partition, { offset }]) => [partition, offset])), undefined)
          for (const [partition, noted] of due)
            if (this.#waiting.get(partition) === noted) this.#waiting.delete(partition)
        }
      })
      this.trouble = undefined
    } catch (error) {
      if (this.trouble === undefined)
        this.#options.logger.debug({ err: error }, `offsets were not committed: ${reasonOf(error)}`)
      this.trouble = reasonOf(error)
    } finally {
      this.#isDue = false
    }
  }

  /** Commits one offset now. Rejects with what the log refuses: with `COMMIT_ABORTED`, `GENERATION_STALE` or `MEMBER_UNKNOWN` where the partition may be another's. */
  async commit(generation: Generation, partition: number, offset: number, batch?: string): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isOfOld(partition)) throw madeAnew(this.#options.topic, partition, offset)
      await this.#commit(generation, new Map([[partition, offset]]), batch)
      // Before another turn: a flush would commit what was noted before, and the next owner would write all behind it again.
      this.#waiting.delete(partition)
    })
  }

  /** The partition is another's from now on. */
  forget(partition: number): void {
    this.#waiting.delete(partition)
    this.#committed.delete(partition)
    this.#topics.delete(partition)
  }

  async close(): Promise<void> {
    this.#stop()
    await this.#drop()
  }

  /** What was noted before is behind what is committed: a commit of which that was not known has been made. */
  #passed({ partition, offset }: Pick<CommittedOffset, 'partition' | 'offset'>): void {
    if ((this.#waiting.get(partition)?.offset ?? Infinity) < offset) this.#waiting.delete(partition)
  }

  #isOfOld(partition: number): boolean {
    return (this.#topics.get(partition) ?? this.#topicId) !== this.#topicId
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act)
    this.#last = turn.catch(() => undefined)
    return await turn
  }

  async #commit(
    generation: Generation,
    offsets: ReadonlyMap<number, number>,
    batch: string | undefined,
  ): Promise<void> {
    const { log, group, topic, onCommit } = this.#options
    const note = noteText({ topic: this.#topicId, first: this.#first, batch })
    const positions = PositionMap.of([...offsets].map(([partition, offset]) => [topic, partition, offset]))
    try {
      const channel = (this.#channel ??= await log.idempotent())
      await channel.begin([], group)
      await channel.offsets(generation, positions.topics, new Map([[topic, note]]))
      await channel.commit()
    } catch (error) {
      await this.#drop()
      throw error
    }
    for (const [partition, offset] of offsets) this.#committed.set(partition, offset)
    onCommit()
  }

  async #drop(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    await Promise.resolve(channel?.[Symbol.asyncDispose]()).catch(() => undefined)
  }
}

function madeAnew(topic: string, partition: number, offset: number): MillraceError {
  const what = `${topic}[${partition}]: the topic was made anew meanwhile, and offset ${offset} is of the old one: it is not committed`
  return new MillraceError('COMMIT_ABORTED', what, { topic, partition, offset })
}
