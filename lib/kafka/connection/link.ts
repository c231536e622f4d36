import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Api } from '../protocol/api.js'
import { commonVersion, demandNeeded } from './broker-versions.js'
import { Disconnected, type Exchange } from './exchange.js'
import type { WireBroker, WireConnection } from './kafkajs-shape.js'
import {
  authenticatedAgain,
  discard,
  notKafka,
  stopPolling,
  takenOver,
  tlsExpected,
  type Wire,
} from './kafkajs-wire.js'
import type { Address } from './options.js'
import { Reader } from '../wire/reader.js'
import { lengthBytes } from '../wire/frames.js'
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
 * One connection to one broker. Requests are sent in the order in which they were made and answered in that order. Once lost it
 * stays lost: another link takes over.
 */
export class Link {
  readonly address: Address
  readonly #wire: Wire
  #broker: WireBroker | undefined
  #connection: WireConnection | undefined
  #exchange: Exchange | undefined
  /** Resolves when the last of those who wait has sent its request. */
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #lost = false
  #failure: unknown

  constructor(wire: Wire, address: Address) {
    this.#wire = wire
    this.address = address
  }

  get lost(): boolean {
    return this.#lost || (this.#connection !== undefined && !this.#connection.isConnected())
  }

  get established(): boolean {
    return this.#exchange !== undefined && !this.lost
  }

  /** Rejects with `LinkLost`, `LinkRefused`, or `CLIENT_UNSUPPORTED` for an API the broker does not speak. */
  async request<Q, A>(api: Api<Q, A>, body: Q, timeoutMs = 0): Promise<A> {
    const ask = (exchange: Exchange): Promise<A> => this.#ask(exchange, api, body, timeoutMs)
    return await (this.#isReady() ? ask(this.#exchange!) : this.#inTurn(ask))
  }

  /** Sends before it waits for anything. */
  async #ask<Q, A>(exchange: Exchange, api: Api<Q, A>, body: Q, timeoutMs: number): Promise<A> {
    const version = this.#version(api, body)
    const id = exchange.nextId()
    const request = encoded(api, body, version, id, this.#wire.clientId)
    try {
      const payload = await exchange.ask(api.name, id, request, Math.max(timeoutMs, this.#wire.requestTimeout))
      const reader = new Reader(payload, version >= api.flexibleFrom)
      reader.end() // of the response header
      const answer = api.decode(reader, version)
      exchange.hold(reader.throttleMs)
      return answer
    } catch (error) {
      if (!(error instanceof Disconnected)) throw error
      this.#cut(`${api.name}: ${error.message}`)
      throw new LinkLost(`${api.name} to ${this.#name}: ${explain(error)}`, { cause: error })
    }
  }

  /** Breaks the connection; what is in flight rejects with `LinkLost`. */
  #cut(reason: string): void {
    this.#lost = true
    this.#connection?.socket?.destroy(new Error(reason))
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`
  }

  /** Whether a request may go at once: it would overtake those who wait. */
  #isReady(): boolean {
    return this.#waiting === 0 && !this.lost && this.#exchange?.held === undefined && this.#isAuthenticated()
  }

  #isAuthenticated(): boolean {
    const connection = this.#connection
    if (connection === undefined || this.#exchange === undefined) return false
    return !connection.sasl || connection.isAuthenticated()
  }

  /** One after the other, in the order in which they came: two at once would open two sockets, or be sent between the requests of an authentication. */
  async #inTurn<T>(ask: (exchange: Exchange) => Promise<T>): Promise<T> {
    const before = this.#turn
    let over = (): void => undefined
    this.#turn = new Promise((resolve) => (over = resolve))
    this.#waiting++
    let asked: Promise<T>
    try {
      await before
      asked = ask(await this.#ready())
    } finally {
      this.#waiting--
      over()
    }
    return await asked
  }

  async #ready(): Promise<Exchange> {
    try {
      for (;;) {
        if (this.lost) throw this.#failure ?? new LinkLost(`The connection to ${this.#name} is lost.`)
        const exchange = (this.#exchange ??= await this.#connect())
        if (exchange.held !== undefined) await exchange.held
        else if (this.#isAuthenticated()) return exchange
        else await authenticatedAgain(this.#connection!, exchange)
      }
    } catch (error) {
      this.#lost = true
      if (this.#connection !== undefined) discard(this.#connection)
      throw (this.#failure ??= this.#explained(error))
    }
  }

  async #connect(): Promise<Exchange> {
    this.#broker = await this.#wire.broker(this.address)
    const connection = this.#broker.connectionPool.pool[0]!
    stopPolling(connection)
    try {
      await this.#broker.connect()
      demandNeeded(this.#name, this.#broker.versions)
    } catch (error) {
      discard(connection)
      throw error
    }
    this.#connection = connection
    return takenOver(connection)
  }

  #explained(error: unknown): unknown {
    if (MillraceError.is(error) || error instanceof LinkLost) return error
    const refused = !isConnectionError(error) || isDefinite(error)
    return new (refused ? LinkRefused : LinkLost)(`Connecting to ${this.#name}: ${explain(error)}`, { cause: error })
  }

  #version<Q, A>(api: Api<Q, A>, body: Q): number {
    const version = commonVersion(this.#broker?.versions, api, api.highestFor?.(body))
    if (version !== undefined) return version
    const what = `Broker ${this.#name} does not speak ${api.name} in a version from ${api.lowest} to ${api.highest}`
    throw new MillraceError('CLIENT_UNSUPPORTED', `${what}. Use Apache Kafka 3.0 or later.`)
  }
}

/** With its header. Source: https://kafka.apache.org/protocol.html#protocol_messages */
function encoded<Q>(api: Api<Q, unknown>, body: Q, version: number, id: number, clientId: Uint8Array): Buffer {
  const writer = new Writer(version >= api.flexibleFrom, api.sizeHint?.(body))
  writer.int32(0).int16(api.key).int16(version).int32(id)
  writer.int16(clientId.length).raw(clientId).end() // the client id never has a compact length
  api.encode(writer, body, version)
  const request = writer.finish()
  request.writeInt32BE(request.length - lengthBytes, 0)
  return request
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
