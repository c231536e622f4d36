import { createServer, connect, type Server, type Socket } from 'node:net'

/** `close`: lost, and the connection with it. `swallow`: lost on a connection that stays open. */
export type Fault = 'close' | 'swallow'

export interface Frame {
  readonly apiKey: number
  readonly way: 'request' | 'response'
}

const metadata = 3
const findCoordinator = 10

/**
 * A TCP proxy in front of one broker that knows Kafka's frames: it can lose requests and responses by API, refuse
 * connections, and tells clients its own port instead of the broker's.
 */
export class FaultyProxy implements AsyncDisposable {
  /** Asked about every frame. */
  fault: (frame: Frame) => Fault | undefined = () => undefined
  /** Whether new connections are accepted. */
  up = true
  readonly #server: Server
  readonly #broker: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()

  private constructor(broker: string) {
    const colon = broker.lastIndexOf(':')
    this.#broker = { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }
    this.#server = createServer((client) => this.#serve(client))
  }

  static async before(broker: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(broker)
    await new Promise<void>((resolve) => proxy.#server.listen(0, proxy.#broker.host, resolve))
    return proxy
  }

  get address(): string {
    return `${this.#broker.host}:${this.#port}`
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get #port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  #serve(client: Socket): void {
    if (!this.up) return void client.destroy()
    const broker = connect(this.#broker)
    const keys = new Map<number, number>()
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    const pass = (frame: Buffer, apiKey: number, way: Frame['way'], to: Socket): void => {
      const fault = this.fault({ apiKey, way })
      if (fault === 'close') client.destroy()
      else if (fault === undefined) to.write(frame)
    }
    client.on(
      'data',
      byFrame((frame) => {
        const apiKey = frame.readInt16BE(4)
        keys.set(frame.readInt32BE(8), apiKey)
        pass(frame, apiKey, 'request', broker)
      }),
    )
    broker.on(
      'data',
      byFrame((frame) => {
        const apiKey = keys.get(frame.readInt32BE(4)) ?? -1
        if (apiKey === metadata || apiKey === findCoordinator) this.#nameItself(frame)
        pass(frame, apiKey, 'response', client)
      }),
    )
  }

  /** Addresses in responses are the host as a string and then the port as four bytes. */
  #nameItself(frame: Buffer): void {
    const port = Buffer.alloc(4)
    port.writeInt32BE(this.#broker.port)
    const address = Buffer.concat([Buffer.from(this.#broker.host), port])
    for (let at = frame.indexOf(address); at >= 0; at = frame.indexOf(address, at)) {
      frame.writeInt32BE(this.#port, at + address.length - 4)
    }
  }
}

/** Cuts a stream into frames: a length of four bytes, then so many. */
function byFrame(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const size = 4 + rest.readInt32BE(0)
      take(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
  }
}
