import type { Server } from 'node:net'
import type { SourceBatch, SourceConnector, SourceContext } from '../connect/index.js'
import { connect } from './connect.js'
import { recordMaker } from './frame-record.js'
import { Inbox } from './inbox.js'
import { listen, placeOf } from './listener.js'
import { placeName } from './place.js'
import { resolveSource, type ResolvedSource, type TcpSourceOptions } from './source-options.js'

/**
 * Frames that come over TCP, each a record: `source('lines', { into: lines, from: tcpSource({ listen: { port: 7000 }, frames: 'line' }) })`.
 * With `answers` each comes at least once, and with `id` exactly once; without, at most once. Throws `OPTIONS_INVALID`.
 */
export function tcpSource(options: TcpSourceOptions): SourceConnector {
  const resolved = resolveSource(options)
  return {
    kind: 'tcp',
    delivery: resolved.answers ? 'acknowledged' : 'volatile',
    everywhere: resolved.everywhere,
    open: (context) => ({ [Symbol.asyncIterator]: () => new Opening(resolved, context) }),
  }
}

/** From the first `next` on, until `return`, or until `next` has thrown. */
class Opening implements AsyncIterator<SourceBatch> {
  readonly #options: ResolvedSource
  readonly #context: SourceContext
  readonly #inbox: Inbox
  #opened: Promise<void> | undefined
  #hasSaidSo = false
  #server: Server | undefined

  constructor(options: ResolvedSource, context: SourceContext) {
    this.#options = options
    this.#context = context
    const { logger, signal } = context
    const inbox = { ...options, makeRecord: recordMaker(options.record, options.id), logger }
    this.#inbox = new Inbox(inbox, () => this.#left())
    signal.addEventListener('abort', this.#stop)
  }

  async next(): Promise<IteratorResult<SourceBatch>> {
    try {
      if (this.#context.signal.aborted) this.#stop()
      else await (this.#opened ??= this.#open())
      if (this.#server === undefined || this.#hasSaidSo) return await this.#inbox.next()
      // It listens, whether anybody comes or not. Of a connection nothing is known until a frame comes.
      this.#hasSaidSo = true
      return { done: false, value: { records: [] } }
    } catch (error) {
      const ended = await this.return()
      // What was given up because of that is no error.
      if (this.#context.signal.aborted) return ended
      throw error
    }
  }

  async return(): Promise<IteratorResult<SourceBatch>> {
    this.#stop()
    await this.#opened?.catch(() => undefined)
    this.#stop()
    this.#context.signal.removeEventListener('abort', this.#stop)
    await this.#inbox.close()
    return { done: true, value: undefined }
  }

  readonly #stop = (): void => {
    this.#server?.close()
    this.#inbox.stop()
  }

  async #open(): Promise<void> {
    if (this.#options.use === 'connect') return this.#connect()
    const { place, tls, connectTimeoutMs, maxClients, onListening } = this.#options
    const inbox = this.#inbox
    const refuse = (name: string, why: string): void => inbox.complain(name, why)
    this.#server = await listen(
      { place, tls, handshakeTimeoutMs: connectTimeoutMs, maxClients },
      {
        refused: refuse,
        failed: (error) => inbox.fail(error),
        client(socket, name) {
          if (inbox.size < maxClients) return inbox.add(socket, name)
          refuse(name, `there are ${maxClients} clients already, and what they have sent waits`)
          socket.on('error', () => undefined).destroy()
        },
      },
    )
    const at = placeOf(this.#server)
    this.#context.logger.info({ at: placeName(at.host, at.port) }, `listening on ${placeName(at.host, at.port)}`)
    onListening?.(at)
  }

  async #connect(): Promise<void> {
    const { place } = this.#options
    this.#inbox.add(await connect(this.#options, this.#context.signal), placeName(place.host, place.port))
  }

  /** Of a source that connects: the runner opens it again after a pause. */
  #left(): void {
    const { use, place } = this.#options
    if (use === 'connect') this.#inbox.fail(new Error(`${placeName(place.host, place.port)}: the connection has ended`))
  }
}
