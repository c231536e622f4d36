import type { Socket } from 'node:net'

/** What may wait for a slow reader before the writer is held back. */
const mostWaitingBytes = 4 << 20

/** How a pipe carries frames at the moment. */
export interface Weather {
  /** Nothing passes; what comes is kept, in order, until it may. */
  readonly held: boolean
  /** Each frame arrives so much later. */
  readonly delayMs: number
}

/** One direction of one connection: frames go in, and come out in order, later or not at all for now. */
export class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #weather: () => Weather
  readonly #waiting: { readonly frame: Buffer; readonly dueAt: number }[] = []
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(from: Socket, to: Socket, weather: () => Weather) {
    this.#from = from
    this.#to = to
    this.#weather = weather
    to.on('drain', () => from.resume())
  }

  write(frame: Buffer): void {
    const { held, delayMs } = this.#weather()
    if (!held && delayMs === 0 && this.#waiting.length === 0) return this.#deliver(frame)
    this.#waiting.push({ frame, dueAt: performance.now() + delayMs })
    this.flow()
  }

  /** Whoever wrote is gone: the other side learns it after the last frame that is on its way, as with a real network. */
  end(): void {
    this.#ended = true
    this.flow()
  }

  /** Delivers what is due; to be called when the weather has changed. */
  flow(): void {
    clearTimeout(this.#timer)
    if (this.#weather().held) return
    const now = performance.now()
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.dueAt > now) {
        this.#timer = setTimeout(() => this.flow(), next.dueAt - now)
        return
      }
      this.#waiting.shift()
      this.#deliver(next.frame)
    }
    if (this.#ended) this.#to.end()
  }

  drop(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #deliver(frame: Buffer): void {
    if (this.#to.destroyed) return
    this.#to.write(frame)
    if (this.#to.writableLength > mostWaitingBytes) this.#from.pause()
  }
}
