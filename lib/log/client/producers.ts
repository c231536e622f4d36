import type { CommitChannel, LogPort } from '../port.js'

/** How many that nobody uses stay open, each with its connections. */
const mostIdle = 4

/**
 * Idempotent producers, one send at a time each. Who sends a record for each request it serves would spend most of its time on
 * connecting: on loopback 3.0 ms a record, and 1.2 ms with a producer that is there already.
 */
export class Producers {
  readonly #port: Pick<LogPort, 'idempotent'>
  readonly #idle: CommitChannel[] = []

  constructor(port: Pick<LogPort, 'idempotent'>) {
    this.#port = port
  }

  /** One with which something has failed is closed: what it has in flight is nobody's any more. Those that are left are closed with the log. */
  async use<T>(work: (channel: CommitChannel) => Promise<T>): Promise<T> {
    const channel = this.#idle.pop() ?? (await this.#port.idempotent())
    let isWell = false
    try {
      const result = await work(channel)
      isWell = true
      return result
    } finally {
      if (isWell && this.#idle.length < mostIdle) this.#idle.push(channel)
      else await channel[Symbol.asyncDispose]()
    }
  }
}
