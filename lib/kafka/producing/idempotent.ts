import { MillraceError } from '../../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../../core/record.js'
import type { CommitChannel, FinishedBatch, Generation, OffsetNotes } from '../../log/port.js'
import { Appender } from './appender.js'
import type { Channel } from '../connection/channel.js'
import { Code } from '../connection/error-codes.js'
import { listPositions, offsetsRefused, worstOf } from './offset-answers.js'
import { initIdempotentProducer } from './producer-identity.js'
import { offsetCommit } from '../protocol/offsets.js'
import type { ProducerIdentity } from '../protocol/transaction.js'

/** An idempotent producer (KIP-98) without transactions: what it appends is visible at once; offsets follow at `commit`. */
export class IdempotentChannel implements CommitChannel {
  readonly id = ''
  readonly #channel: Channel
  readonly #appender: Appender
  #open = false
  #appends: Promise<unknown>[] = []
  #offsets: { readonly generation: Generation; readonly consumed: Positions; readonly notes: OffsetNotes } | undefined

  private constructor(channel: Channel, identity: ProducerIdentity) {
    this.#channel = channel
    this.#appender = new Appender(channel, null, identity)
  }

  /** Owns the channel from then on. */
  static async open(channel: Channel): Promise<IdempotentChannel> {
    try {
      return new IdempotentChannel(channel, await initIdempotentProducer(channel))
    } catch (error) {
      channel.close()
      throw error
    }
  }

  async begin(touching: readonly TopicPartition[], _group: string | undefined): Promise<void> {
    if (this.#open) throw misuse('begin was called twice; commit or abort first')
    if (this.#appender.failure !== undefined) this.#appender.reset(await initIdempotentProducer(this.#channel))
    this.#open = true
    this.#appends = []
    this.#offsets = undefined
    if (touching.every((at) => this.#channel.map.leader(at) !== undefined)) return
    await this.#channel.insist('leaders', async () => {
      for (const at of touching) await this.#channel.leader(at)
    })
  }

  async append(at: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    if (!this.#open) throw misuse(`append to ${at.topic}[${at.partition}] without begin`)
    const appended = this.#appender.append(at, batch)
    this.#appends.push(appended)
    return await appended
  }

  async offsets(generation: Generation, consumed: Positions, notes: OffsetNotes = new Map()): Promise<void> {
    if (!this.#open) throw misuse('offsets without begin')
    this.#offsets = { generation, consumed, notes }
  }

  async commit(): Promise<void> {
    if (!this.#open) throw misuse('commit without begin')
    const failed = (await Promise.allSettled(this.#appends)).find((result) => result.status === 'rejected')
    const offsets = this.#offsets
    this.#open = false
    if (failed !== undefined) {
      throw new MillraceError('COMMIT_ABORTED', 'No offsets were committed, as an append failed.', {
        cause: failed.reason,
      })
    }
    if (offsets === undefined || offsets.consumed.size === 0) return
    const { generation } = offsets
    const body = { generation, positions: listPositions(offsets.consumed, offsets.notes) }
    const results = await this.#channel.toCoordinator(['group', generation.group], offsetCommit, body, worstOf)
    if (worstOf(results) !== Code.none) throw offsetsRefused(results, generation, 'of no transaction')
  }

  async abort(): Promise<void> {
    await this.#appender.giveUp(misuse('it is being aborted'))
    await Promise.allSettled(this.#appends)
    this.#open = false
    this.#offsets = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close()
    await Promise.allSettled(this.#appends)
  }
}

function misuse(what: string): MillraceError {
  return new MillraceError('COMMIT_ABORTED', `Idempotent channel: ${what}.`)
}
