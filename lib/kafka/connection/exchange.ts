import type net from 'node:net'
import { longestTimeoutMs } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import { Frames, lengthBytes } from '../wire/frames.js'

/** kafkajs counts its own requests up from zero, those that authenticate the connection again: ours lie above. */
const firstId = 0x4000_0000
const lastId = 0x7fff_ffff
const idBytes = 4

/** The connection ended before the answer came; whether the request was carried out is not known. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected'
}

interface Waiting {
  readonly name: string
  readonly dueAt: number
  resolve(payload: Buffer): void
  reject(error: Error): void
}

/**
 * Requests and their answers on a socket that kafkajs has opened and authenticated (decision 0028). Once the socket is gone, all that
 * waits is rejected.
 */
export class Exchange {
  readonly #socket: net.Socket
  readonly #frames = new Frames()
  readonly #waiting = new Map<number, Waiting>()
  #unsent: Buffer[] = []
  readonly #others: (message: Buffer) => void
  #lastId = lastId
  #over: Disconnected | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #held: Promise<void> | undefined
  #heldUntil = 0
  #holdTimer: NodeJS.Timeout | undefined
  #released: (() => void) | undefined

  /** `others` is given the answers to what was not asked here. */
  constructor(socket: net.Socket, others: (message: Buffer) => void) {
    this.#socket = socket
    this.#others = others
    socket.once('error', (error) => this.#end(`Connection error: ${error.message}`))
    socket.once('end', () => this.#end('Closed connection'))
    socket.once('close', () => this.#end('Closed connection'))
    // It may have ended while kafkajs was still at work, and says so once.
    if (socket.destroyed || socket.readableEnded || socket.writableEnded) this.#end('Closed connection')
  }

  /** Resolves when requests may be sent; undefined when they may be now. */
  get held(): Promise<void> | undefined {
    return this.#held
  }

  /** The broker wants to be asked nothing for a while (KIP-219). */
  hold(ms: number): void {
    const until = performance.now() + ms
    if (ms <= 0 || until <= this.#heldUntil || this.#over !== undefined) return
    this.#heldUntil = until
    clearTimeout(this.#holdTimer)
    this.#holdTimer = setTimeout(this.#release, ms).unref()
    this.#held ??= new Promise((resolve) => (this.#released = resolve))
  }

  readonly #release = (): void => {
    this.#held = undefined
    this.#released?.()
  }

  /** For the next request. */
  nextId(): number {
    this.#lastId = this.#lastId === lastId ? firstId : this.#lastId + 1
    return this.#lastId
  }

  /** Is sent with what else is asked in this turn of the event loop; resolves to what follows the correlation id. After a time-out nothing is to be expected of this socket: it is destroyed. */
  ask(name: string, id: number, request: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(this.#over)
      const dueAt = performance.now() + timeoutMs
      this.#waiting.set(id, { name, dueAt, resolve, reject })
      this.#watch(dueAt)
      if (this.#unsent.push(request) === 1) process.nextTick(this.flush)
    })
  }

  /** What is asked in one turn of the event loop goes in one write: a small write takes 60 to 80 µs of CPU. */
  readonly flush = (): void => {
    const unsent = this.#unsent
    this.#unsent = []
    if (unsent.length > 1) this.#socket.cork()
    for (const request of unsent) this.#socket.write(request)
    if (unsent.length > 1) this.#socket.uncork()
  }

  received(piece: Buffer): void {
    try {
      this.#frames.push(piece, this.#answered)
    } catch (error) {
      this.#breakOff(`what it sends is not Kafka: ${reasonOf(error)}`)
    }
  }

  readonly #answered = (message: Buffer): void => {
    const id = message.readInt32BE(lengthBytes)
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return this.#others(message)
    this.#waiting.delete(id)
    waiting.resolve(message.subarray(lengthBytes + idBytes))
  }

  /** One timer for all, which is left alone as long as nothing is due before it. */
  #watch(dueAt: number): void {
    if (dueAt >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = dueAt
    this.#timer = setTimeout(() => this.#check(), Math.min(dueAt - performance.now(), longestTimeoutMs)).unref()
  }

  #check(): void {
    this.#timerAt = Infinity
    const now = performance.now()
    let next = Infinity
    for (const { name, dueAt } of this.#waiting.values()) {
      if (dueAt <= now) return this.#breakOff(`${name} got no answer in time`)
      next = Math.min(next, dueAt)
    }
    if (next < Infinity) this.#watch(next)
  }

  #breakOff(reason: string): void {
    this.#end(reason)
    this.#socket.destroy(new Error(reason))
  }

  #end(reason: string): void {
    if (this.#over !== undefined) return
    this.#over = new Disconnected(reason)
    clearTimeout(this.#timer)
    clearTimeout(this.#holdTimer)
    this.#release()
    for (const waiting of this.#waiting.values()) waiting.reject(this.#over)
    this.#waiting.clear()
  }
}
