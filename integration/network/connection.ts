import { connect, type Socket } from 'node:net'
import { apiKeys } from './apis.js'
import { answerCorrelation, byFrame, requestHeader, rewritePorts } from './frames.js'
import type { Fault, Way } from './losses.js'
import { Pipe, type Weather } from './pipe.js'

export interface Address {
  readonly host: string
  readonly port: number
}

/** What a connection asks the network it belongs to. */
export interface Conditions {
  readonly weather: Weather
  /** The port to which a client goes instead, by the port of the broker. */
  readonly ports: ReadonlyMap<number, number>
  lost(apiKey: number, way: Way): Fault | undefined
}

const naming = new Set<number>([apiKeys.Metadata, apiKeys.FindCoordinator])

/** One connection of a client, and the one to the broker that stands behind it. */
export class Connection {
  readonly #client: Socket
  readonly #broker: Socket
  readonly #host: string
  readonly #conditions: Conditions
  /** Resolves when both sides are closed. */
  readonly closed: Promise<unknown>
  readonly #toBroker: Pipe
  readonly #toClient: Pipe
  /** What the requests under way ask for, by the number their answers carry. */
  readonly #asked = new Map<number, number>()

  constructor(client: Socket, address: Address, conditions: Conditions) {
    this.#client = client
    this.#broker = connect(address)
    this.#host = address.host
    this.#conditions = conditions
    // Only answers are delayed: both ways would be twice the delay.
    this.#toBroker = new Pipe(client, this.#broker, () => ({ held: conditions.weather.held, delayMs: 0 }))
    this.#toClient = new Pipe(this.#broker, client, () => conditions.weather)
    const sockets = [client, this.#broker]
    this.closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    for (const socket of sockets) {
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
    }
    client.on(
      'data',
      byFrame((frame) => this.#request(frame)),
    )
    this.#broker.on(
      'data',
      byFrame((frame) => this.#answer(frame)),
    )
    // What one side sent before it went away still arrives: a request that a cut held back is a late one, not a lost one.
    client.on('close', () => this.#toBroker.end())
    this.#broker.on('close', () => this.#toClient.end())
  }

  /** To be called when the weather has changed. */
  flow(): void {
    this.#toBroker.flow()
    this.#toClient.flow()
  }

  /** Breaks it, with everything that is on its way. */
  drop(): void {
    this.#toBroker.drop()
    this.#toClient.drop()
    this.#client.destroy()
    this.#broker.destroy()
  }

  #request(frame: Buffer): void {
    const { apiKey, correlation } = requestHeader(frame)
    this.#asked.set(correlation, apiKey)
    this.#pass(frame, apiKey, 'request', this.#toBroker)
  }

  #answer(frame: Buffer): void {
    const correlation = answerCorrelation(frame)
    const apiKey = this.#asked.get(correlation) ?? -1
    this.#asked.delete(correlation)
    if (naming.has(apiKey)) rewritePorts(frame, this.#host, this.#conditions.ports)
    this.#pass(frame, apiKey, 'answer', this.#toClient)
  }

  #pass(frame: Buffer, apiKey: number, way: Way, pipe: Pipe): void {
    const fault = this.#conditions.lost(apiKey, way)
    if (fault === 'close') this.drop()
    else if (fault === undefined) pipe.write(frame)
  }
}
