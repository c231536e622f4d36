import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { nodeHandlerOn } from './handler.js'
import type { ResolvedHttp } from '../options.js'
import type { HttpHandler } from '../route.js'

export interface ListenerLimits {
  /** Milliseconds to receive a request, with its body. */
  readonly requestTimeout: number
  readonly headersTimeout: number
  readonly connectionsCheckingInterval: number
}

const defaults: ListenerLimits = { requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 1_000 }
const maxHeaderSize = 16_384
const keepAliveTimeout = 10_000
const maxConnections = 1_000
/** Longer than any answer takes, and than streams are silent: a connection on which nothing moves for so long is dead. */
const idleMs = 120_000
/** So long requests under way may go on while it closes. */
const closeMs = 1_000

/** node:http at an address. */
export class Listener {
  /** Where others ask it. */
  readonly url: string
  readonly #server: Server
  readonly #clock: Clock
  readonly #answering: Answering

  private constructor(url: string, server: Server, clock: Clock, answering: Answering) {
    this.url = url
    this.#server = server
    this.#clock = clock
    this.#answering = answering
  }

  /** Rejects with `LISTEN_FAILED`. */
  static async open(
    { host, port, advertised }: ResolvedHttp & { readonly port: number },
    handler: HttpHandler,
    clock: Clock,
    logger: Logger,
    limits = defaults,
  ): Promise<Listener> {
    const answering = new Answering()
    const server = createServer(
      { ...limits, maxHeaderSize, keepAliveTimeout, requireHostHeader: false },
      answering.counting(nodeHandlerOn(clock, handler)),
    )
    server.maxConnections = maxConnections
    server.setTimeout(idleMs)
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answering.refuse(error, socket))
    server.on('connect', (_request: IncomingMessage, socket: Duplex) => refuse(socket, 405, 'this is no proxy'))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(failed(host, port, cause)))
      server.listen({ host, port, exclusive: true }, resolve)
    })
    server.on('error', (err) => logger.warn({ err }, `the HTTP listener: ${reasonOf(err)}`))
    return new Listener(advertised ?? urlOf(host, server.address() as AddressInfo), server, clock, answering)
  }

  /** Takes no more, lets what is under way end for a moment, and then ends it. Never rejects. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await this.#answering.idle(this.#clock, closeMs)
    this.#server.closeAllConnections()
    await closed
  }
}

/** The requests that are being answered. */
class Answering {
  readonly #responses = new Map<Duplex, ServerResponse>()
  #onIdle: () => void = () => undefined

  counting(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      const { socket } = request
      this.#responses.set(socket, response)
      response.on('close', () => {
        if (this.#responses.get(socket) === response) this.#responses.delete(socket)
        if (this.#responses.size === 0) this.#onIdle()
      })
      answer(request, response)
    }
  }

  async idle(clock: Clock, ms: number): Promise<void> {
    if (this.#responses.size === 0) return
    const done = new AbortController()
    this.#onIdle = () => done.abort()
    await clock.sleep(ms, done.signal)
  }

  /** What the parser does not take, or does not get in time. */
  refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
    const response = this.#responses.get(socket)
    // What came before it is answered first.
    if (response?.req.complete === true) return void response.once('close', () => refuse(socket, 400, noHttp))
    if (!socket.writable || response?.headersSent === true) return void socket.destroy()
    if (code === 'HPE_HEADER_OVERFLOW')
      return refuse(socket, 431, `the headers have more than ${maxHeaderSize} bytes, which is the limit`)
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuse(socket, 408, 'the request did not come in time')
    refuse(socket, 400, noHttp)
  }
}

const noHttp = 'this is no request of HTTP/1.1'

/** Where there is no request that could be answered. */
function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ error: { code: 'REQUEST_INVALID', message } })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
  ]
  if (!socket.writable) return void socket.destroy()
  socket.on('error', () => undefined)
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function failed(host: string, port: number, cause: Error): MillraceError {
  const todo = 'Give http: { port } one that is free, or 0 for any, and a host that is an address of this machine'
  return new MillraceError('LISTEN_FAILED', `cannot listen on ${host}:${port}: ${reasonOf(cause)}. ${todo}.`, { cause })
}

/** By the address that it has got: there are many ways to write the one that stands for all. */
function urlOf(host: string, { address, port }: AddressInfo): string {
  const name = address === '0.0.0.0' || address === '::' ? (ownAddress() ?? 'localhost') : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/** The first address in a network, as containers have one. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outer = all.filter(({ internal }) => !internal)
  return (outer.find(({ family }) => family === 'IPv4') ?? outer.find(({ address }) => !address.startsWith('fe80')))
    ?.address
}
