import { createServer, type Server, type Socket } from 'node:net'
import { apiName, type ApiName } from './apis.js'
import { type Address, type Conditions, Connection } from './connection.js'
import { type Fault, Loss, type LossOptions, type Way } from './losses.js'
import type { Weather } from './pipe.js'

export type { Fault, Loss, LossOptions, Way } from './losses.js'

/** Opens a network between one client and all brokers of a cluster: name them all, or it by-passes the others. */
export async function openNetwork(brokers: readonly string[]): Promise<Network> {
  const network = new Network()
  for (const broker of brokers) await network.before(broker)
  return network
}

/**
 * The network of one client: a port for every broker, and no faults but those that are switched on. Brokers are found
 * through answers that name these ports too. Give each process one of its own to cut it off alone.
 */
export class Network implements AsyncDisposable, Conditions {
  readonly #servers: Server[] = []
  readonly #connections = new Set<Connection>()
  readonly #addresses: string[] = []
  readonly ports = new Map<number, number>()
  weather: Weather = { held: false, delayMs: 0 }
  readonly #asked = new Map<ApiName, number>()
  #losses: Loss[] = []
  #refusing = false

  /** Opens a port before one more broker. See `openNetwork`. */
  async before(broker: string): Promise<void> {
    const colon = broker.lastIndexOf(':')
    const address = { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }
    const server = createServer((client) => this.#serve(client, address))
    this.#servers.push(server)
    const port = await listen(server, address.host)
    this.ports.set(address.port, port)
    this.#addresses.push(`${address.host}:${port}`)
  }

  /** What the client is given instead of the brokers' addresses. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** Nothing passes any more, and nobody is told. What is sent meanwhile arrives late, when it has healed. */
  cut(): void {
    this.#change({ ...this.weather, held: true })
  }

  /** Breaks every connection and accepts no new one, as when the brokers are down. */
  refuse(): void {
    this.#refusing = true
    this.dropConnections()
  }

  /** Breaks every connection, once. */
  dropConnections(): void {
    for (const connection of this.#connections) connection.drop()
  }

  /** Every answer comes so much later, from now on. */
  delay(delayMs: number): void {
    this.#change({ ...this.weather, delayMs })
  }

  /** The next `count` requests of an API never reach a broker. */
  loseRequests(api: ApiName, count: number, fault: Fault = 'close'): Loss {
    return this.lose({ api, way: 'request', count, fault })
  }

  /** Brokers act upon the next `count` requests of an API, and their answers get lost. */
  loseAnswers(api: ApiName, count: number, fault: Fault = 'close'): Loss {
    return this.lose({ api, way: 'answer', count, fault })
  }

  lose(options: LossOptions): Loss {
    const loss = new Loss(options)
    this.#losses.push(loss)
    return loss
  }

  /** Ends all faults; connections that were broken stay broken. */
  heal(): void {
    this.#refusing = false
    this.#losses = []
    this.#change({ held: false, delayMs: 0 })
  }

  async close(): Promise<void> {
    this.refuse()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** How many requests of an API have come. */
  asked(api: ApiName): number {
    return this.#asked.get(api) ?? 0
  }

  /** Asked about every frame. */
  lost(apiKey: number, way: Way): Fault | undefined {
    const api = apiName(apiKey)
    if (way === 'request' && api !== undefined) this.#asked.set(api, this.asked(api) + 1)
    for (const loss of this.#losses) {
      const fault = loss.takes(apiKey, way)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #change(weather: Weather): void {
    this.weather = weather
    for (const connection of this.#connections) connection.flow()
  }

  #serve(client: Socket, address: Address): void {
    if (this.#refusing) return void client.destroy()
    const connection = new Connection(client, address, this)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
  }
}

function listen(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
    })
  })
}
