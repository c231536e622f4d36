import { connect, type Socket } from 'node:net'

/** A client that sends whatever bytes it is given. */
export class RawClient {
  readonly socket: Socket
  #got = ''
  #isOver = false
  #changed: () => void = () => undefined

  constructor(url: string) {
    const { port } = new URL(url)
    this.socket = connect(Number(port), '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (part) => {
      this.#got += String(part)
      this.#changed()
    })
    // A reset is an end.
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.#isOver = true
      this.#changed()
    })
  }

  get got(): string {
    return this.#got
  }

  send(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  /** All that it was sent, once that fits or the server has closed the connection. */
  async until(fits: (got: string) => boolean = () => false): Promise<string> {
    while (!this.#isOver && !fits(this.#got)) await new Promise<void>((resolve) => (this.#changed = resolve))
    return this.#got
  }

  end(): void {
    this.socket.destroy()
  }
}

/** Statuses of the answers in what came. */
export const statusesIn = (got: string): number[] =>
  [...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/** The body of the last of them. */
export const bodyIn = (got: string): unknown => JSON.parse(got.slice(got.lastIndexOf('\r\n\r\n') + 4)) as unknown
