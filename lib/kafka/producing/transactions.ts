import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../../core/record.js'
import type { CommitChannel, FinishedBatch, Generation, OffsetNotes } from '../../log/port.js'
import { Appender, produceLane } from './appender.js'
import type { Channel } from '../connection/channel.js'
import { Code, isFenced, nameOf } from '../connection/error-codes.js'
import { refused, type Needs } from '../connection/refusal.js'
import { fencedError, listPositions, offsetsRefused, topicWith, worstOf } from './offset-answers.js'
import { initProducer } from './producer-identity.js'
import { type CommittedPosition, txnOffsetCommit } from '../protocol/offsets.js'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  type InTransaction,
  noIdentity,
  type ProducerIdentity,
} from '../protocol/transaction.js'
import { TransactionState } from './transaction-state.js'

/** Transactions of one transactional id (KIP-98, KIP-447), one after the other. */
export class TransactionalChannel implements CommitChannel {
  readonly id: string
  readonly #channel: Channel
  readonly #timeoutMs: number
  readonly #state: TransactionState
  readonly #appender: Appender
  #identity: ProducerIdentity
  #appends: Promise<unknown>[] = []
  #ending: Promise<number> | undefined

  private constructor(channel: Channel, id: string, timeoutMs: number, identity: ProducerIdentity) {
    this.#channel = channel
    this.id = id
    this.#timeoutMs = timeoutMs
    this.#identity = identity
    this.#state = new TransactionState(id)
    this.#appender = new Appender(channel, id, identity)
  }

  /** Takes over the id: fences its owner and waits until their transaction is decided. Owns the channel from then on. */
  static async open(channel: Channel, id: string, timeoutMs: number): Promise<TransactionalChannel> {
    try {
      return new TransactionalChannel(channel, id, timeoutMs, await initProducer(channel, id, timeoutMs, noIdentity))
    } catch (error) {
      channel.close()
      throw error
    }
  }

  async begin(touching: readonly TopicPartition[], group: string | undefined): Promise<void> {
    this.#state.begin(touching, group)
    this.#appends = []
    try {
      if (this.#appender.failure !== undefined) await this.#renew()
      // Both go to the coordinator on one connection, so the second does not wait for the answer to the first.
      const answers = [this.#addPartitions(touching), this.#addGroup(group), this.#findLeaders(touching)]
      await settleAll(answers)
    } catch (error) {
      throw this.#failed(error)
    }
  }

  async append(at: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    this.#state.appending(at)
    const appended = this.#appender.append(at, batch).then(
      (answer) => {
        this.#state.acknowledged()
        return answer
      },
      (error: unknown) => {
        throw this.#failed(error)
      },
    )
    this.#appends.push(appended)
    return await appended
  }

  async offsets(generation: Generation, consumed: Positions, notes?: OffsetNotes): Promise<void> {
    this.#state.askOffsets(generation.group)
    try {
      await this.#commitOffsets(generation, listPositions(consumed, notes))
      this.#state.offsetsAccepted()
    } catch (error) {
      const refused = asMillrace(error, `Transaction ${this.id}`)
      this.#state.offsetsRefused(refused)
      throw refused
    }
  }

  async commit(): Promise<void> {
    await Promise.allSettled(this.#appends)
    const refusal = this.#state.refusesCommit()
    if (refusal?.code === 'COMMIT_ABORTED') await this.abort()
    if (refusal !== undefined) throw refusal
    if (!this.#state.begun) return this.#state.ended()
    const code = await (this.#ending = this.#end(true))
    this.#state.ended()
    if (code === Code.none) return
    // Its state is not open: it was aborted, by us before an answer got lost or by the broker.
    throw new MillraceError('COMMIT_ABORTED', `Transaction ${this.id} was aborted: EndTxn says ${nameOf(code)}.`)
  }

  async abort(): Promise<void> {
    const reason = new MillraceError('COMMIT_ABORTED', `Transaction ${this.id} is being aborted.`)
    // From here on a commit that is on its way is refused: it would take the end that this makes for its own.
    this.#state.fail(reason)
    await this.#appender.giveUp(reason)
    await Promise.allSettled(this.#appends)
    if (this.#state.failure?.code === 'FENCED') return this.#state.over(this.#state.failure)
    if (this.#state.begun) await (this.#ending = this.#end(false))
    this.#state.ended()
  }

  /** Aborts what is open, so that readers need not wait for its time-out; for a second at most, as brokers may be away. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.begun && !this.#channel.closed.aborted) {
      const ended = Promise.allSettled([this.#ending ?? this.abort()])
      await Promise.race([ended, this.#channel.clock.sleep(1_000, this.#channel.closed)])
    }
    this.#channel.close()
    await Promise.allSettled([...this.#appends, this.#ending])
  }

  get #transaction(): InTransaction {
    return { transactionalId: this.id, ...this.#identity }
  }

  async #addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    const body = { ...this.#transaction, partitions }
    const answer = await this.#channel.toCoordinator(['transaction', this.id], addPartitionsToTxn, body, worstOf)
    const code = worstOf(answer)
    this.#require(code, 'AddPartitionsToTxn', { topic: [topicWith(answer, code), 'Write'] })
  }

  async #addGroup(group: string | undefined): Promise<void> {
    if (group === undefined) return
    const body = { ...this.#transaction, group }
    const to = ['transaction', this.id] as const
    const { errorCode } = await this.#channel.toCoordinator(to, addOffsetsToTxn, body, (answer) => answer.errorCode)
    this.#require(errorCode, 'AddOffsetsToTxn', { group: [group, 'Read'] })
  }

  /** So that the first appends find their leaders known. */
  async #findLeaders(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.every((at) => this.#channel.map.leader(at) !== undefined)) return
    await this.#channel.insist('leaders', async () => {
      for (const at of partitions) await this.#channel.leader(at)
    })
  }

  async #commitOffsets(generation: Generation, positions: readonly CommittedPosition[]): Promise<void> {
    // The broker would accept an empty list from anybody: nothing would fence this member.
    if (positions.length === 0)
      throw new MillraceError('COMMIT_ABORTED', `Transaction ${this.id}: no offsets to commit.`)
    const body = { ...this.#transaction, generation, positions }
    const to = ['group', generation.group] as const
    const answer = await this.#channel.toCoordinator(to, txnOffsetCommit, body, worstOf, { lane: produceLane })
    if (worstOf(answer) !== Code.none) throw offsetsRefused(answer, generation, this.id)
  }

  /**
   * EndTxn until there is a definite answer; repeating it is idempotent. Resolves to NONE or INVALID_TXN_STATE, else
   * rejects: `FENCED` when no answer was ever missed, so that it cannot have been committed, and `OUTCOME_UNKNOWN`.
   */
  async #end(commit: boolean): Promise<number> {
    let unanswered = false
    const onLost = (): void => {
      unanswered = true
    }
    const name = `EndTxn(${commit ? 'commit' : 'abort'})`
    try {
      const body = { ...this.#transaction, commit }
      const to = ['transaction', this.id] as const
      const { errorCode } = await this.#channel.toCoordinator(to, endTxn, body, (a) => a.errorCode, { onLost })
      // Brokers say so when an EndTxn meets a fencing; it tells nothing of the outcome.
      if (errorCode === Code.unknownServerError) unanswered = true
      if (errorCode !== Code.invalidTxnState) this.#require(errorCode, name)
      return errorCode
    } catch (error) {
      const known = asMillrace(error, name)
      const unknown = commit && unanswered
      const what = `${name} of ${this.id} got no answer, and then: ${known.message} Whether it was committed is not known.`
      const verdict = unknown ? new MillraceError('OUTCOME_UNKNOWN', what, { cause: known }) : known
      this.#state.over(verdict)
      if (!commit && known.code === 'FENCED') return Code.none // whoever fenced us has aborted it
      throw verdict
    }
  }

  /** A new epoch, whose sequence numbers begin anew. Only while we are the owner (KIP-360). */
  async #renew(): Promise<void> {
    this.#identity = await initProducer(this.#channel, this.id, this.#timeoutMs, this.#identity)
    this.#appender.reset(this.#identity)
  }

  #require(code: number, what: string, needs: Needs = {}): void {
    if (code === Code.none) return
    if (isFenced(code)) throw fencedError(code, this.id)
    const all = { ...needs, transactionalId: [this.id, 'Write'] } as const
    throw refused(`${what} of ${this.id}`, code, all, { todo: 'Look at the broker that coordinates it' })
  }

  #failed(error: unknown): MillraceError {
    return this.#state.fail(asMillrace(error, `Transaction ${this.id}`))
  }
}

function asMillrace(error: unknown, what: string): MillraceError {
  if (MillraceError.is(error)) return error
  return new MillraceError('BROKER_REFUSED', `${what}: ${reasonOf(error)}`, { cause: error })
}

/** Waits for all, so that nothing is under way any more when one has failed; then rejects as the first did. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
