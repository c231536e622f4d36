import type { Address } from './address.js'
import { Connection } from './connection.js'

/** One connection for all partitions that a process writes: opened for the first, anew after a loss, and closed after the last. */
export class SharedConnection {
  readonly #address: Address
  #current: Promise<Connection> | undefined
  #users = 0

  constructor(address: Address) {
    this.#address = address
  }

  enter(): void {
    this.#users++
  }

  /** Never rejects. */
  async leave(): Promise<void> {
    if (--this.#users > 0) return
    const current = this.#current
    this.#current = undefined
    await current?.then(
      (connection) => connection.close(),
      () => undefined,
    )
  }

  /** Between `enter` and `leave`. `name` is for the server's list of connections. */
  async connection(name: string): Promise<Connection> {
    return await (this.#current ??= this.#open(name))
  }

  #open(name: string): Promise<Connection> {
    const opening = Connection.open(this.#address, name)
    const forget = (): void => {
      if (this.#current === opening) this.#current = undefined
    }
    opening.then((connection) => {
      connection.onFailure(() => {
        forget()
        void connection.close()
      })
    }, forget)
    return opening
  }
}
