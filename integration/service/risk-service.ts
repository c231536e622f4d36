import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const slowMs = 1_500

export const isBlocked = (order: string): boolean => order.startsWith('blocked')
export const isOdd = (order: string): boolean => order.startsWith('odd')
const isSlow = (order: string): boolean => order.startsWith('slow')
export const scoreOf = (order: string): number => Buffer.from(order).reduce((sum, byte) => sum + byte, 0) % 100

/** What the service depends on. */
export class RiskService {
  readonly #server: Server
  /** Answers 503 as long as it is. */
  isDown = false
  refusals = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      const order = (request.url ?? '').slice(1)
      if (this.isDown) {
        this.refusals++
        response.writeHead(503).end()
      } else if (isBlocked(order)) response.writeHead(422).end()
      else if (isSlow(order)) setTimeout(() => response.end(String(scoreOf(order))), slowMs)
      else response.end(String(scoreOf(order)))
    })
  }

  static async start(): Promise<RiskService> {
    const service = new RiskService()
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve))
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
