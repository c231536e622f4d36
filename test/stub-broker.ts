import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Writer } from '../lib/kafka/wire/writer.js'
import type { VersionRange } from './broker-versions.js'

/** A request as it came, without its body. */
export interface StubRequest {
  readonly apiKey: number
  readonly version: number
}

/** Writes what a response has behind its header; undefined: never answers. */
export type StubAnswer = (request: StubRequest, port: number) => Writer | undefined

const apiVersionsKey = 18

/** A listener that speaks as a broker would of which there is no other here: it says what it speaks, and the rest is the test's. */
export class StubBroker implements AsyncDisposable {
  /** Keys of the requests that came, ApiVersions apart. */
  readonly asked: number[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #spoken: Readonly<Record<number, VersionRange>>
  readonly #answer: StubAnswer

  private constructor(spoken: Readonly<Record<number, VersionRange>>, answer: StubAnswer) {
    this.#spoken = spoken
    this.#answer = answer
    this.#server = createServer((socket) => this.#serve(socket))
  }

  static async start(spoken: Readonly<Record<number, VersionRange>>, answer: StubAnswer): Promise<StubBroker> {
    const broker = new StubBroker(spoken, answer)
    broker.#server.listen(0, '127.0.0.1')
    await once(broker.#server, 'listening')
    return broker
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that the other side has not closed. */
  get connections(): number {
    return [...this.#sockets].filter((socket) => !socket.destroyed).length
  }

  /** Closes its side of each connection, in order. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    let received = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
        const end = 4 + received.readInt32BE(0)
        this.#take(socket, received.subarray(4, end))
        received = received.subarray(end)
      }
    })
  }

  #take(socket: Socket, frame: Buffer): void {
    const request = { apiKey: frame.readInt16BE(0), version: frame.readInt16BE(2) }
    if (request.apiKey !== apiVersionsKey) this.asked.push(request.apiKey)
    const body = request.apiKey === apiVersionsKey ? this.#versions(request.version) : this.#answer(request, this.#port)
    if (body === undefined) return
    // The header of a flexible response ends in tagged fields; that of ApiVersions never does.
    const header = new Writer(body.flexible).int32(frame.readInt32BE(4)).end()
    const response = Buffer.concat([header.finish(), body.finish()])
    socket.write(Buffer.concat([new Writer(false).int32(response.length).finish(), response]))
  }

  #versions(version: number): Writer {
    const writer = new Writer(false).int16(0)
    writer.array([[apiVersionsKey, { minVersion: 0, maxVersion: 2 }] as const, ...entriesOf(this.#spoken)], (entry) => {
      const [key, { minVersion, maxVersion }] = entry
      writer.int16(key).int16(minVersion).int16(maxVersion)
    })
    return version === 0 ? writer : writer.int32(0)
  }
}

const entriesOf = (spoken: Readonly<Record<number, VersionRange>>): (readonly [number, VersionRange])[] =>
  Object.entries(spoken).map(([key, range]) => [Number(key), range])
