import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Logger } from '../lib/core/logger.js'
import type { SourceBatch, SourceConnector, SourceRecord } from '../lib/connect/index.js'
import { tcpSource, type TcpSourceOptions } from '../lib/tcp/index.js'

/** A source that is read as an app reads it, but that nothing is written: batches are acknowledged when `acks` says so. */
export class Opened {
  readonly records: SourceRecord[] = []
  readonly batches: SourceBatch[] = []
  readonly warnings: string[] = []
  readonly #stop = new AbortController()
  readonly #iterator: AsyncIterator<SourceBatch>
  /** Of the iteration: resolves when it ends, rejects with what it throws. */
  readonly ended: Promise<void>
  #waiting: (() => void)[] = []

  constructor(source: SourceConnector<any>, judge: (record: SourceRecord) => string | undefined = () => undefined) {
    const warn = (_fields: object, message = ''): void => void this.warnings.push(message)
    const logger: Logger = { debug: () => undefined, info: () => undefined, warn, error: warn }
    const context = { source: 'test', partition: '0', position: undefined, signal: this.#stop.signal, logger }
    this.#iterator = source.open(context)[Symbol.asyncIterator]()
    this.ended = this.#read(judge)
    this.ended.catch(() => undefined)
  }

  get texts(): string[] {
    return this.records.map(({ bytes }) => Buffer.from(bytes!).toString())
  }

  /** Resolves when so many records are here. */
  async holds(count: number): Promise<void> {
    while (this.records.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#iterator.return?.()
    await this.ended.catch(() => undefined)
  }

  async #read(judge: (record: SourceRecord) => string | undefined): Promise<void> {
    for (;;) {
      const { done, value } = await this.#iterator.next()
      if (done === true) return
      this.records.push(...value.records)
      this.batches.push(value)
      const refused = value.records.map((record, i) => [i, record.refused ?? judge(record)] as const)
      await value.ack?.(new Map(refused.filter((each): each is [number, string] => each[1] !== undefined)))
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }
}

/** One that listens on a free port of this machine, and its port. */
export async function listening(
  options: Partial<TcpSourceOptions> = {},
  judge?: (record: SourceRecord) => string | undefined,
): Promise<Opened & { readonly port: number }> {
  let opened: Opened | undefined
  const port = await new Promise<number>((resolve, reject) => {
    const all = { listen: { port: 0 }, frames: 'line' as const, answers: true, ...options }
    opened = new Opened(tcpSource({ ...all, onListening: (place) => resolve(place.port) }), judge)
    opened.ended.catch(reject)
  })
  return Object.assign(opened!, { port })
}

/** Whoever connects, and what it hears. */
export class Peer {
  readonly socket: Socket
  heard = ''
  /** By the other side, or by an error. */
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString('latin1')
    })
    socket.on('end', () => {
      this.isClosed = true
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static async to(port: number, tls?: ConnectionOptions): Promise<Peer> {
    const socket = tls === undefined ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ...tls })
    const peer = new Peer(socket)
    await once(socket, tls === undefined ? 'connect' : 'secureConnect')
    return peer
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(bytes)
    return this
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) {
      if (this.isClosed) throw new Error(`closed, having heard ${JSON.stringify(this.heard.slice(-300))}`)
      await this.#any('data', 'end', 'close')
    }
  }

  /** Resolves when the other side has ended the connection. */
  async closed(): Promise<void> {
    while (!this.isClosed) await this.#any('end', 'close')
    this.socket.destroy()
  }

  async #any(...events: readonly string[]): Promise<void> {
    const over = new AbortController()
    const each = events.map((event) => once(this.socket, event, { signal: over.signal }))
    try {
      await Promise.race(each)
    } finally {
      over.abort()
      await Promise.allSettled(each)
    }
  }
}
