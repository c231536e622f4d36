import { connect, type ConfirmChannel } from 'amqplib'
import { setTimeout as sleep } from 'node:timers/promises'

/** Sends numbers to a queue, each as often as it takes until the server has it, with the same messageId. */
export class Feeder {
  readonly #url: string
  readonly #queue: string
  /** How many it has sent, or is to send. */
  fed = 0

  constructor(url: string, queue: string) {
    this.#url = url
    this.#queue = queue
  }

  async feed(count: number): Promise<void> {
    const first = this.fed
    this.fed += count
    const missing = new Set(Array.from({ length: count }, (_, i) => first + i))
    while (missing.size > 0) {
      await this.#attempt(missing).catch(() => undefined)
      if (missing.size > 0) await sleep(50)
    }
  }

  /** Takes out of `missing` what the server has confirmed, and has not returned. */
  async #attempt(missing: Set<number>): Promise<void> {
    const connection = await connect(this.#url)
    connection.on('error', () => undefined)
    try {
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => undefined)
      const returned = new Set<string>()
      channel.on('return', ({ properties }) => returned.add(String(properties.messageId)))
      await Promise.all([...missing].map((n) => this.#send(channel, n, returned, missing)))
    } finally {
      await connection.close().catch(() => undefined)
    }
  }

  #send(channel: ConfirmChannel, n: number, returned: ReadonlySet<string>, missing: Set<number>): Promise<void> {
    const messageId = `m${n}`
    const options = { messageId, persistent: true, mandatory: true }
    return new Promise((resolve, reject) => {
      channel.sendToQueue(this.#queue, Buffer.from(JSON.stringify({ n })), options, (error: Error | null) => {
        if (error !== null) return reject(error)
        if (!returned.has(messageId)) missing.delete(n)
        resolve()
      })
    })
  }
}
