import { systemClock, type Clock } from '../core/clock.js'
import { MillraceError } from '../core/errors.js'
import { type Logger, stderrLogger, unfailing } from '../core/logger.js'
import { type LogClient, logClient } from '../log/client/client.js'
import type { CommitChannel, Fetcher, FetcherOptions, JoinOptions, LogAdmin, LogPort, Membership } from '../log/port.js'
import { KafkaAdmin } from './admin/admin.js'
import { Channel } from './connection/channel.js'
import { KafkaFetcher } from './reading/fetcher.js'
import { IdempotentChannel } from './producing/idempotent.js'
import { KafkaMembership } from './group/membership.js'
import { type ConnectionOptions, type KafkaOptions, resolveOptions } from './connection/options.js'
import { Reach } from './connection/reach.js'
import { TransactionalChannel } from './producing/transactions.js'

export type KafkaLog = LogPort & LogClient

/**
 * A Kafka cluster as the log of an app; brokers from 3.0 on. Connects when first used and keeps trying while brokers are
 * away. Throws `OPTIONS_INVALID`, and `CLIENT_UNSUPPORTED` when the kafkajs found is not 2.2.4.
 */
export function kafkaLog(
  options: KafkaOptions,
  internals: { readonly clock?: Clock; readonly logger?: Logger } = {},
): KafkaLog {
  const { clock = systemClock, logger = stderrLogger } = internals
  const port = new KafkaPort(resolveOptions(options), clock, unfailing(logger))
  return Object.assign(port, logClient(port, clock))
}

class KafkaPort implements LogPort {
  readonly kind = 'kafka'
  readonly admin: LogAdmin
  readonly #connection: ConnectionOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #reach: Reach
  /** What is open: closing the log closes it. */
  readonly #open = new Set<() => Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(connection: ConnectionOptions, clock: Clock, logger: Logger) {
    this.#connection = connection
    this.#clock = clock
    this.#logger = logger
    this.#reach = new Reach(clock)
    const channel = this.#channel('admin')
    this.#close(channel, async () => channel.close())
    this.admin = new KafkaAdmin(channel)
  }

  get trouble(): string | undefined {
    return this.#reach.trouble
  }

  async join(options: JoinOptions): Promise<Membership> {
    const channel = this.#channel('group')
    return await this.#owned(channel, KafkaMembership.join(channel, options, this.#logger), (member) => member.leave())
  }

  fetcher(options: FetcherOptions): Fetcher {
    const channel = this.#channel(`fetch ${options.purpose}`)
    const fetcher = new KafkaFetcher(channel, options)
    this.#close(channel, () => fetcher[Symbol.asyncDispose]())
    return fetcher
  }

  async transactions({ id, timeoutMs }: { readonly id: string; readonly timeoutMs: number }): Promise<CommitChannel> {
    const channel = this.#channel(`transactions of ${id}`)
    return await this.#owned(channel, TransactionalChannel.open(channel, id, timeoutMs), dispose)
  }

  async idempotent(): Promise<CommitChannel> {
    const channel = this.#channel('produce')
    return await this.#owned(channel, IdempotentChannel.open(channel), dispose)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= Promise.all([...this.#open].map((close) => close())).then(() => undefined)
    return this.#closing
  }

  #channel(purpose: string): Channel {
    if (this.#closing !== undefined) throw new MillraceError('APP_CLOSED', `${purpose}: the log is closed.`)
    return new Channel({
      purpose,
      connection: this.#connection,
      clock: this.#clock,
      logger: this.#logger,
      reach: this.#reach,
    })
  }

  /** While it opens, closing means to cut its channel; afterwards, to close it properly. */
  async #owned<T>(channel: Channel, opening: Promise<T>, close: (opened: T) => Promise<void>): Promise<T> {
    const cut = async (): Promise<void> => channel.close()
    this.#close(channel, cut)
    const opened = await opening
    this.#open.delete(cut)
    this.#close(channel, () => close(opened))
    return opened
  }

  /** What has been closed by its owner need not be closed again. */
  #close(channel: Channel, close: () => Promise<void>): void {
    if (channel.closed.aborted) return
    this.#open.add(close)
    channel.closed.addEventListener('abort', () => this.#open.delete(close), { once: true })
  }
}

const dispose = (channel: AsyncDisposable): Promise<void> => Promise.resolve(channel[Symbol.asyncDispose]())
