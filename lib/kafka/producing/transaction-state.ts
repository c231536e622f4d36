import { MillraceError } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'

/**
 * What may be done to one transaction, without any I/O. The invariant it keeps: EndTxn(commit) is reachable only when every
 * append was acknowledged and, where a group takes part, its last offsets were accepted. Brokers do not check that: they
 * would publish the output of a transaction whose offsets they refused.
 */
export class TransactionState {
  readonly #id: string
  #phase: 'none' | 'open' | 'over' = 'none'
  #partitions = new Set<string>()
  #group: string | undefined
  #offsets: 'none' | 'asked' | 'accepted' | 'refused' = 'none'
  #unacknowledged = 0
  #failure: MillraceError | undefined

  constructor(id: string) {
    this.#id = id
  }

  get group(): string | undefined {
    return this.#group
  }

  /** Why this transaction can only be aborted. */
  get failure(): MillraceError | undefined {
    return this.#failure
  }

  /** Whether the broker knows of it, so that it must be ended. */
  get begun(): boolean {
    return this.#phase === 'open' && (this.#partitions.size > 0 || this.#group !== undefined)
  }

  begin(touching: readonly TopicPartition[], group: string | undefined): void {
    if (this.#phase === 'open') throw this.#misuse('begin was called twice; commit or abort first')
    if (this.#phase === 'over') throw this.#failure ?? this.#misuse('the channel was fenced')
    this.#phase = 'open'
    this.#partitions = new Set(touching.map(keyOf))
    this.#group = group
    this.#offsets = 'none'
    this.#unacknowledged = 0
    this.#failure = undefined
  }

  appending(at: TopicPartition): void {
    this.#requireHealthy(`append to ${at.topic}[${at.partition}]`)
    if (!this.#partitions.has(keyOf(at))) {
      throw this.fail(this.#misuse(`${at.topic}[${at.partition}] was not named in begin`))
    }
    this.#unacknowledged++
  }

  acknowledged(): void {
    this.#unacknowledged--
  }

  askOffsets(group: string): void {
    this.#requireHealthy('offsets')
    if (group !== this.#group) throw this.fail(this.#misuse(`group ${group} was not named in begin`))
    this.#offsets = 'asked'
  }

  offsetsAccepted(): void {
    if (this.#offsets === 'asked') this.#offsets = 'accepted'
  }

  /** Refused as of an older generation they may be asked for again under a newer one; otherwise only `abort` is allowed. */
  offsetsRefused(error: MillraceError): void {
    this.#offsets = 'refused'
    if (error.code !== 'GENERATION_STALE') this.fail(error)
  }

  /** From here on only `abort` is allowed. */
  fail(error: MillraceError): MillraceError {
    this.#failure ??= error
    return error
  }

  /** Undefined when EndTxn(commit) may be sent; else why not. */
  refusesCommit(): MillraceError | undefined {
    if (this.#phase === 'over') return this.#failure
    if (this.#phase === 'none') return this.#misuse('commit without begin')
    if (this.#failure?.code === 'FENCED') return this.#failure
    if (this.#failure !== undefined) return this.#aborted(this.#failure.message, this.#failure)
    if (this.#unacknowledged > 0) return this.#aborted(`${this.#unacknowledged} appends are not acknowledged`)
    // Rule refused-is-not-ended (integration/model).
    if (this.#group !== undefined && this.#offsets !== 'accepted') {
      return this.#aborted(`the offsets of group ${this.#group} were not accepted`)
    }
    return undefined
  }

  /** Committed, aborted, or found to be gone. */
  ended(): void {
    if (this.#phase === 'open') this.#phase = 'none'
  }

  /** Fenced, closed, or of unknown outcome: this channel is of no use any more. */
  over(error: MillraceError): void {
    this.#phase = 'over'
    this.#failure = error
  }

  #requireHealthy(what: string): void {
    if (this.#failure !== undefined && (this.#phase === 'over' || this.#failure.code === 'FENCED')) throw this.#failure
    if (this.#phase !== 'open') throw this.#misuse(`${what} without begin`)
    if (this.#failure !== undefined) throw this.#aborted(this.#failure.message, this.#failure)
  }

  #aborted(why: string, cause?: unknown): MillraceError {
    return new MillraceError('COMMIT_ABORTED', `Transaction ${this.#id} cannot be committed: ${why}`, { cause })
  }

  #misuse(what: string): MillraceError {
    return new MillraceError('COMMIT_ABORTED', `Transaction ${this.#id}: ${what}.`)
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`
