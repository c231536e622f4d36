import type { MillraceError } from '../lib/core/errors.js'
import type { CommitChannel, LogPort } from '../lib/log/port.js'

/** A call of a commit channel. */
export type Step = 'begin' | 'append' | 'offsets' | 'commit'

export interface Fault {
  readonly error: MillraceError
  /** Whether what was asked for is done all the same. */
  readonly done: boolean
}

/** A log whose commit channels fail, or never answer, where `next` says so; as long as it gives nothing they work. */
export function faultyLog(log: LogPort, next: (step: Step) => Fault | 'silence' | undefined): LogPort {
  return {
    kind: log.kind,
    get trouble() {
      return log.trouble
    },
    admin: log.admin,
    join: (options) => log.join(options),
    fetcher: (options) => log.fetcher(options),
    transactions: async (options) => new FaultyChannel(await log.transactions(options), next),
    idempotent: async () => new FaultyChannel(await log.idempotent(), next),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}

class FaultyChannel implements CommitChannel {
  readonly id: string
  readonly #channel: CommitChannel
  readonly #next: (step: Step) => Fault | 'silence' | undefined
  #failed = false

  constructor(channel: CommitChannel, next: (step: Step) => Fault | 'silence' | undefined) {
    this.id = channel.id
    this.#channel = channel
    this.#next = next
  }

  begin(...args: Parameters<CommitChannel['begin']>): Promise<void> {
    this.#failed = false
    return this.#call('begin', () => this.#channel.begin(...args))
  }

  append(...args: Parameters<CommitChannel['append']>): ReturnType<CommitChannel['append']> {
    return this.#call('append', () => this.#channel.append(...args))
  }

  offsets(...args: Parameters<CommitChannel['offsets']>): Promise<void> {
    return this.#call('offsets', () => this.#channel.offsets(...args))
  }

  commit(): Promise<void> {
    // As the port demands: after a failed part commit is out of reach.
    if (this.#failed) throw new Error('commit was called after a part had failed')
    return this.#call('commit', () => this.#channel.commit())
  }

  abort(): Promise<void> {
    return this.#channel.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }

  async #call<T>(step: Step, act: () => Promise<T>): Promise<T> {
    const fault = this.#next(step)
    if (fault === undefined) return act()
    if (fault === 'silence') return new Promise<never>(() => undefined)
    // Offsets refused as of an older generation may be sent again.
    if (step !== 'offsets' || fault.error.code !== 'GENERATION_STALE') this.#failed = true
    if (fault.done) await act()
    throw fault.error
  }
}
