import { setMaxListeners } from 'node:events'
import type { Clock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { TopicPartition } from '../../core/record.js'
import { ClusterMap } from './cluster-map.js'
import { Code, isCoordinatorMoved, isRetriable, nameOf } from './error-codes.js'
import { insist, TryAgain } from './insist.js'
import { openWire, type Wire } from './kafkajs-wire.js'
import { Link, LinkLost, LinkRefused } from './link.js'
import { listenerMisfit } from './listener.js'
import type { Address, ConnectionOptions } from './options.js'
import type { Api } from '../protocol/api.js'
import { type CoordinatorKind, findCoordinator, metadata, type MetadataResponse } from '../protocol/metadata.js'
import { refused } from './refusal.js'
import type { Reach } from './reach.js'

export interface ChannelOptions {
  /** What it is for; in the log. */
  readonly purpose: string
  readonly connection: ConnectionOptions
  readonly clock: Clock
  readonly logger: Logger
  /** Told what becomes of every request. */
  readonly reach: Reach
}

export interface RequestOptions {
  /** Requests of one lane share a connection and are answered in order; one that blocks needs a lane of its own. */
  readonly lane?: number
  /** When an answer takes longer by nature. @default the option `requestTimeout` */
  readonly timeoutMs?: number
}

/**
 * Connections to a cluster for one purpose. Brokers serve one request of a connection at a time, so a long poll or a
 * JoinGroup would hold up everything behind it: each purpose has a channel of its own.
 */
export class Channel {
  readonly map = new ClusterMap()
  readonly clock: Clock
  readonly #options: ChannelOptions
  readonly #wire: Wire
  readonly #closing = new AbortController()
  readonly #links = new Map<string, Link>()
  readonly #coordinators = new Map<string, number>()
  #seed = 0
  #refreshing: Promise<void> | undefined

  /** Throws `CLIENT_UNSUPPORTED`. Connects when it is first used. */
  constructor(options: ChannelOptions) {
    this.#options = options
    this.clock = options.clock
    this.#wire = openWire(options.connection, options.logger)
    setMaxListeners(0, this.closed) // one for each pause under way, however many
  }

  get checksCrcs(): boolean {
    return this.#options.connection.checkCrcs
  }

  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Breaks all connections; what is under way rejects with `APP_CLOSED`. */
  close(): void {
    this.#closing.abort()
    this.#wire.close()
  }

  /** Attempts until the answer is definite; after a failure with new metadata. See `insist`. */
  insist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options
    const patience = { clock, logger, closed: this.closed, wasAccepted: () => this.#options.reach.accepted }
    return insist(patience, `${this.#options.purpose}: ${what}`, async (before) => {
      if (this.map.nodes.size === 0 || (before !== undefined && !(before instanceof TryAgain && before.busy)))
        await this.refresh()
      return await attempt()
    })
  }

  warn(what: string, message: string): void {
    this.#options.logger.warn({ what: `${this.#options.purpose}: ${what}` }, message)
  }

  async request<Q, A>(node: number, api: Api<Q, A>, body: Q, { lane = 0, timeoutMs }: RequestOptions = {}): Promise<A> {
    return await this.#send(this.#link(node, lane), api, body, timeoutMs)
  }

  async #send<Q, A>(link: Link, api: Api<Q, A>, body: Q, timeoutMs?: number): Promise<A> {
    const asked = this.#options.reach.asking(nameOfAddress(link.address), timeoutMs ?? 0)
    try {
      const answer = await link.request(api, body, timeoutMs)
      asked.answered()
      return answer
    } catch (error) {
      const lost = error instanceof LinkLost || error instanceof LinkRefused
      if (lost && !this.closed.aborted) asked.failed(error.message)
      else asked.dropped()
      throw await this.#explained(link.address, error)
    }
  }

  /** A listener of another kind looks like a broker that is away. */
  async #explained(address: Address, error: unknown): Promise<unknown> {
    const { reach, connection } = this.#options
    if (!(error instanceof LinkLost) || reach.accepted || this.closed.aborted) return error
    const why = await listenerMisfit(address, connection)
    if (why === undefined) return error
    return new LinkRefused(`Connecting to ${nameOfAddress(address)}: ${why}`, { cause: error })
  }

  /** The leader of a partition, looking it up when needed. To be called inside an attempt of `insist`. */
  async leader(at: TopicPartition): Promise<number> {
    if (this.map.leader(at) === undefined) await this.refresh()
    return this.map.requireLeader(at)
  }

  /**
   * Sends a request to a coordinator until it is answered with something definite. `codeOf` finds the error code to judge
   * by; every code that may pass is tried again.
   */
  toCoordinator<Q, A>(
    [kind, key]: readonly [CoordinatorKind, string],
    api: Api<Q, A>,
    body: Q,
    codeOf: (answer: A) => number,
    { onLost, ...options }: RequestOptions & { readonly onLost?: () => void } = {},
  ): Promise<A> {
    return this.insist(`${api.name} for ${kind} ${key}`, async () => {
      const node = await this.#coordinator(kind, key)
      let answer: A
      try {
        answer = await this.request(node, api, body, options)
      } catch (error) {
        this.#coordinators.delete(`${kind} ${key}`)
        if (error instanceof LinkLost) onLost?.()
        throw error
      }
      const code = codeOf(answer)
      if (isCoordinatorMoved(code)) this.#coordinators.delete(`${kind} ${key}`)
      if (isRetriable(code)) throw TryAgain.because(code, missingPartition(answer))
      return answer
    })
  }

  async #coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const known = this.#coordinators.get(`${kind} ${key}`)
    if (known !== undefined) return known
    const { errorCode, nodeId } = await this.askAny(findCoordinator, { kind, key })
    if (isRetriable(errorCode)) throw new TryAgain(`FindCoordinator: ${nameOf(errorCode)}`)
    if (errorCode !== Code.none) {
      const needs = kind === 'group' ? { group: [key, 'Read'] as const } : { transactionalId: [key, 'Write'] as const }
      throw refused(`The coordinator of ${kind} ${key}`, errorCode, needs, { todo: 'Look at the brokers' })
    }
    if (!this.map.nodes.has(nodeId)) await this.refresh()
    this.#coordinators.set(`${kind} ${key}`, nodeId)
    return nodeId
  }

  /** New metadata of all topics anybody asked for; callers at the same time share one request. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    this.map.learn(await this.metadata([...this.map.wanted]))
    this.#options.reach.are(new Set([...this.map.nodes.values()].map(nameOfAddress)))
  }

  /** Metadata of some topics, or with null of all. */
  metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    return this.askAny(metadata, { topics })
  }

  /** Asks any broker: one that is connected, one that is known, one of those named in the options. */
  async askAny<Q, A>(api: Api<Q, A>, body: Q): Promise<A> {
    const known = [...this.map.nodes.keys()].map((node) => () => this.#link(node, 0))
    const connected = known.filter((link) => link().established)
    const seeds = this.#options.connection.brokers.map((_, i) => () => this.#seedLink(i + this.#seed))
    let failure: unknown
    for (const link of [...connected, ...known, ...seeds]) {
      try {
        const answer = await this.#send(link(), api, body)
        return answer
      } catch (error) {
        failure = error
        if (!(error instanceof LinkLost)) break
      }
      if (this.closed.aborted) break
    }
    this.#seed++
    throw failure
  }

  #link(node: number, lane: number): Link {
    const address = this.map.nodes.get(node)
    if (address === undefined) throw new TryAgain(`broker ${node} is not known`)
    return this.#linkTo(address, lane)
  }

  #seedLink(index: number): Link {
    const { brokers } = this.#options.connection
    return this.#linkTo(brokers[index % brokers.length]!, 0)
  }

  #linkTo(address: Address, lane: number): Link {
    const key = `${nameOfAddress(address)}/${lane}`
    const existing = this.#links.get(key)
    if (existing !== undefined && !existing.lost) return existing
    const link = new Link(this.#wire, address)
    this.#links.set(key, link)
    return link
  }
}

const nameOfAddress = ({ host, port }: Address): string => `${host}:${port}`

function missingPartition(answer: unknown): TopicPartition | undefined {
  if (!Array.isArray(answer)) return undefined
  return answer.find((result) => result.errorCode === Code.unknownTopicOrPartition)
}
