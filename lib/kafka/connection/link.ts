import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Api } from '../protocol/api.js'
import { commonVersion, demandNeeded } from './broker-versions.js'
import type { WireBroker, WireConnection, WireRequest } from './kafkajs-shape.js'
import { notKafka, tlsExpected, type Wire } from './kafkajs-wire.js'
import type { Address } from './options.js'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'

/** A connection could not be made or broke; whether the request was carried out is not known. */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'
}

/** The broker was reached and will not have us: credentials or certificates are wrong. */
export class LinkRefused extends Error {
  override readonly name = 'LinkRefused'
}

/**
 * One connection to one broker. Requests are answered in the order they were sent. Once lost it stays lost: kafkajs keeps
 * half a response across a reconnect and would read the next connection from there, so another link takes over.
 */
export class Link {
  readonly address: Address
  readonly #wire: Wire
  #broker: WireBroker | undefined
  #connection: WireConnection | undefined
  #readying: Promise<WireConnection> | undefined
  #lost = false

  constructor(wire: Wire, address: Address) {
    this.#wire = wire
    this.address = address
  }

  get lost(): boolean {
    return this.#lost || (this.#connection !== undefined && !this.#connection.isConnected())
  }

  get established(): boolean {
    return this.#connection !== undefined && !this.lost
  }

  /** Rejects with `LinkLost`, `LinkRefused`, or `CLIENT_UNSUPPORTED` for an API the broker does not speak. */
  async request<Q, A>(api: Api<Q, A>, body: Q, timeoutMs: number | null = null): Promise<A> {
    const connection = this.#readyConnection() ?? (await this.#ready())
    const version = this.#version(api, body)
    try {
      return await connection.send(wireRequest(api, body, version, timeoutMs))
    } catch (error) {
      if (!isConnectionError(error)) throw error
      // A silent connection would swallow the next requests too: whatever else is in flight on it fails now.
      this.cut(`${api.name}: ${reasonOf(error)}`)
      throw new LinkLost(`${api.name} to ${this.#name}: ${explain(error)}`, { cause: error })
    }
  }

  /** Breaks the connection; what is in flight rejects with `LinkLost`. */
  cut(reason: string): void {
    this.#lost = true
    this.#connection?.socket?.destroy(new Error(reason))
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`
  }

  #readyConnection(): WireConnection | undefined {
    const connection = this.#connection
    if (connection === undefined || this.lost) return undefined
    return connection.sasl && !connection.isAuthenticated() ? undefined : connection
  }

  /** One at a time: two requests at once would open two sockets, or overtake each other during a new authentication. */
  #ready(): Promise<WireConnection> {
    this.#readying ??= this.#makeReady().finally(() => (this.#readying = undefined))
    return this.#readying
  }

  async #makeReady(): Promise<WireConnection> {
    if (this.lost) throw new LinkLost(`The connection to ${this.#name} is lost.`)
    try {
      if (this.#connection !== undefined) {
        await this.#connection.authenticate()
        return this.#connection
      }
      this.#broker = await this.#wire.broker(this.address)
      const connection = this.#broker.connectionPool.pool[0]!
      stopPolling(connection)
      await this.#broker.connect()
      demandNeeded(this.#name, this.#broker.versions)
      return (this.#connection = connection)
    } catch (error) {
      this.#lost = true
      if (MillraceError.is(error)) throw error
      const refused = !isConnectionError(error) || isDefinite(error)
      throw new (refused ? LinkRefused : LinkLost)(`Connecting to ${this.#name}: ${explain(error)}`, { cause: error })
    }
  }

  #version<Q, A>(api: Api<Q, A>, body: Q): number {
    const version = commonVersion(this.#broker?.versions, api, api.highestFor?.(body))
    if (version !== undefined) return version
    const what = `Broker ${this.#name} does not speak ${api.name} in a version from ${api.lowest} to ${api.highest}`
    throw new MillraceError('CLIENT_UNSUPPORTED', `${what}. Use Apache Kafka 3.0 or later.`)
  }
}

/** What kafkajs sends; each awaits the same number of microtasks, which keeps them in order on their way to the socket. */
function wireRequest<Q, A>(api: Api<Q, A>, body: Q, version: number, requestTimeout: number | null): WireRequest<A> {
  const flexible = version >= api.flexibleFrom
  return {
    request: {
      apiKey: api.key,
      apiVersion: version,
      apiName: api.name,
      async encode() {
        const writer = new Writer(flexible, api.sizeHint?.(body))
        writer.end() // of the request header
        api.encode(writer, body, version)
        const buffer = writer.finish()
        return { buf: buffer, buffer, size: () => buffer.length }
      },
    },
    response: {
      async decode(payload) {
        const reader = new Reader(payload, flexible)
        reader.end() // of the response header
        const value = api.decode(reader, version)
        return { value, clientSideThrottleTime: reader.throttleMs }
      },
      parse: async ({ value }) => value,
    },
    requestTimeout,
    logResponseError: false,
  }
}

/** kafkajs looks every millisecond whether a throttled request may go, though there is none: 2-4 % of a CPU when idle. */
function stopPolling({ requestQueue }: WireConnection): void {
  if (typeof requestQueue?.scheduleCheckPendingRequests !== 'function' || !Array.isArray(requestQueue.pending)) return
  const check = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) check()
  }
}

const connectionErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
])

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && connectionErrors.has(error.name)
}

/** Certificates that do not fit, and TLS that only one side speaks: trying again would change nothing. */
function isDefinite(error: unknown): boolean {
  const code = String((error as { readonly code?: unknown }).code)
  return code === tlsExpected || code === notKafka || /CERT|SIGNATURE/.test(code)
}

/** What a reason may mean that the broker, or kafkajs, leaves unsaid. */
const hints = [
  // Brokers allow a new authentication once a second; with sessions shorter than the threshold every request begins one.
  [
    /current SASL state/,
    'the listener does not ask for SASL: leave out the option sasl; or, where it has worked before, sessions are shorter than the option reauthenticationThreshold',
  ],
  // A broker closes what begins with neither the TLS nor the SASL it asks for; one that is stopping closes too.
  [/^Closed connection|before secure TLS/, 'or it listens for something else: compare the options ssl and sasl'],
] as const

function explain(error: unknown): string {
  const reason = reasonOf(error).trim()
  const hint = hints.find(([pattern]) => pattern.test(reason))
  return hint === undefined ? reason : `${reason} (${hint[1]})`
}
