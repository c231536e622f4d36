import { MillraceError } from '../core/errors.js'
import { systemClock, type Clock } from '../core/clock.js'
import { demandTopic } from '../log/client/client-topic.js'
import {
  logClient,
  type ClientTopic,
  type LogClient,
  type ReadRecord,
  type SendOptions,
  type Sent,
} from '../log/client/client.js'
import type { CommitChannel, Fetcher, FetcherOptions, JoinOptions, LogAdmin, LogPort, Membership } from '../log/port.js'
import { MemoryAdmin } from './admin.js'
import { Broker } from './broker/broker.js'
import { MemoryFetcher } from './fetcher.js'
import { IdempotentChannel } from './idempotent-channel.js'
import { MemoryMembership } from './membership.js'
import { TransactionalChannel } from './transactional-channel.js'

export interface MemoryLogOptions {
  /** Of a topic that `send` makes, or that is made with -1. @default 4 */
  readonly partitions?: number
  /** @default the system's */
  readonly clock?: Clock
}

/** The embedded log: partitions, groups, transactions and compaction in this process. It dies with it. */
export interface MemoryLog extends LogPort, LogClient {
  /** Another client of the same log, as another process would be one of the same brokers. */
  open(): MemoryLog
  /** Compacts a topic now. It happens by itself as a compacted topic grows. Rejects with `TOPIC_MISSING`. */
  compact(topic: string): Promise<void>
  /** Adds partitions to a topic until it has so many, as `kafka-topics --alter` does. Rejects with `TOPIC_MISSING`. */
  grow(topic: string, partitions: number): Promise<void>
  /** Changes settings of a topic, as `kafka-configs --alter` does. Rejects with `TOPIC_MISSING`. */
  configure(topic: string, configs: Readonly<Record<string, string>>): Promise<void>
  /** Deletes a topic, and what groups have committed for it, as `kafka-topics --delete` does. Rejects with `TOPIC_MISSING`. */
  deleteTopic(topic: string): Promise<void>
  /** Forgets what a group has committed, as brokers do when nobody was in it for a week. Rejects with `BROKER_REFUSED` while somebody is. */
  deleteGroup(group: string): Promise<void>
  /** Takes a member out of its group as when its session expires: it hears `onLost` and joins again. */
  expel(group: string, memberId: string): void
}

/** Makes an embedded log, empty. */
export function memoryLog({ partitions = 4, clock = systemClock }: MemoryLogOptions = {}): MemoryLog {
  return new MemoryClient(new Broker(partitions, clock))
}

class MemoryClient implements MemoryLog {
  readonly kind = 'memory'
  readonly trouble = undefined
  readonly admin: LogAdmin
  readonly #broker: Broker
  readonly #client: LogClient
  /** Closes what this client has opened and nobody has closed yet. */
  readonly #open = new Map<object, () => Promise<void>>()
  #isClosed = false

  constructor(broker: Broker) {
    this.#broker = broker
    this.admin = new MemoryAdmin(broker)
    this.#client = logClient(this, broker.clock)
  }

  open(): MemoryLog {
    return new MemoryClient(this.#broker)
  }

  async join(options: JoinOptions): Promise<Membership> {
    this.#demandOpen(`joining group ${options.group}`)
    const opened = {}
    const membership = new MemoryMembership(this.#broker, options, () => this.#open.delete(opened))
    this.#open.set(opened, () => membership.leave())
    await membership.start()
    return membership
  }

  fetcher(options: FetcherOptions): Fetcher {
    this.#demandOpen('fetch')
    const opened = {}
    const { topics, clock } = this.#broker
    const fetcher = new MemoryFetcher(topics, clock, options, () => this.#open.delete(opened))
    this.#open.set(opened, () => fetcher[Symbol.asyncDispose]())
    return fetcher
  }

  transactions({ id }: { readonly id: string; readonly timeoutMs: number }): Promise<CommitChannel> {
    return this.#broker.answer(() => {
      this.#demandOpen(`transactions of ${id}`)
      const opened = {}
      const channel = new TransactionalChannel(this.#broker, id, () => this.#open.delete(opened))
      this.#open.set(opened, () => channel[Symbol.asyncDispose]())
      return channel
    })
  }

  idempotent(): Promise<CommitChannel> {
    return this.#broker.answer(() => new IdempotentChannel(this.#broker))
  }

  /** Makes the topic when it does not exist. */
  async send<V>(
    target: ClientTopic<V>,
    values: Iterable<V | null> | AsyncIterable<V | null>,
    options?: SendOptions<V>,
  ): Promise<Sent> {
    demandTopic(target, 'send')
    this.#broker.topics.create({ name: target.name, partitions: -1, replicationFactor: -1, configs: {} })
    return this.#client.send(target, values, options)
  }

  read<V>(source: ClientTopic<V>): AsyncIterable<ReadRecord<V>> {
    return this.#client.read(source)
  }

  compact(topic: string): Promise<void> {
    return this.#broker.compactor.compact(topic)
  }

  grow(topic: string, partitions: number): Promise<void> {
    return this.#broker.answer(() => this.#broker.topics.grow(topic, partitions))
  }

  configure(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    return this.#broker.answer(() => this.#broker.topics.configure(topic, configs))
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#broker.answer(() => {
      this.#broker.topics.delete(topic)
      this.#broker.offsets.forgetTopic(topic)
    })
  }

  deleteGroup(group: string): Promise<void> {
    return this.#broker.answer(() => {
      this.#broker.groups.demandEmpty(group)
      this.#broker.offsets.forgetGroup(group)
    })
  }

  expel(group: string, memberId: string): void {
    this.#broker.groups.group(group).expel(memberId)
  }

  /** Closes fetchers, leaves groups and aborts what is open. The log itself stays for its other clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const close of this.#open.values()) await close()
    await this.#broker.compactor.idle()
  }

  /** What was opened now would never be closed, such as a member that all others wait for. */
  #demandOpen(purpose: string): void {
    if (this.#isClosed) throw new MillraceError('APP_CLOSED', `${purpose}: the log is closed.`)
  }
}
