import type { Socket } from 'node:net'
import { idleClock, systemClock } from '../core/clock.js'
import { reasonOf } from '../core/errors.js'
import { answerText, type Answer } from './frames/answers.js'
import { framed } from './frames/frame-bytes.js'
import { FrameReader, type Frames } from './frames/frame-reader.js'

export interface ClientOptions {
  readonly frames: Frames
  readonly answers: boolean
  readonly maxFrameBytes: number
  readonly maxBufferedBytes: number
  readonly idleTimeoutMs: number
  readonly frameTimeoutMs: number
}

export interface ClientEvents {
  /** A whole frame waits; told again after each chunk. */
  ready(client: Client): void
  /** It is ended by us, because of what it did. */
  complain(client: Client, what: string): void
  /** It sends nothing more, and what it has sent is taken and answered. */
  gone(client: Client): void
}

/** Of answers that a client has not read yet: with more, nothing is taken of it. Counts are not among them: only the last one waits. */
const maxUnreadBytes = 65_536

/** One connection that frames come from. Its socket is paused while enough of it waits. */
export class Client {
  readonly name: string
  readonly #socket: Socket
  readonly #options: ClientOptions
  readonly #events: ClientEvents
  readonly #reader: FrameReader
  #taken = 0
  #answered = 0
  /** Counted, and not written since the client does not read. */
  #unwritten = false
  /** More of its answers wait than may. */
  #isCongested = false
  /** Why nothing more is read of it, once what came before that is answered. */
  #broken: string | undefined
  #ended = false
  #isGone = false
  /** Since when nothing has gone on. */
  #since = systemClock.elapsed()

  constructor(socket: Socket, name: string, options: ClientOptions, events: ClientEvents) {
    this.name = name
    this.#socket = socket
    this.#options = options
    this.#events = events
    this.#reader = new FrameReader(options.frames, options.maxFrameBytes)
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('end', () => this.#end())
    socket.on('drain', () => this.#drained())
    // What it was is of no use: 'close' follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#closed())
  }

  /** One that can be taken now. */
  get hasFrame(): boolean {
    return !this.#isCongested && this.#hasWhole
  }

  get #hasWhole(): boolean {
    if (this.#broken !== undefined) return false
    try {
      return this.#reader.hasFrame
    } catch (error) {
      this.#break(reasonOf(error))
      return false
    }
  }

  /** The number of the frame that was taken last; the first is 1. */
  get taken(): number {
    return this.#taken
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Call it while `hasFrame`. */
  take(): Buffer {
    const frame = this.#reader.take() as Buffer
    this.#taken++
    this.#since = systemClock.elapsed()
    if (this.#socket.isPaused() && this.#reader.bytes < this.#options.maxBufferedBytes / 2) this.#socket.resume()
    if (!this.#hasWhole) this.#settle()
    return frame
  }

  /** The frames up to this one are dealt with for good. */
  answer(upTo: number, refused: readonly Answer[]): void {
    this.#answered = upTo
    this.#since = systemClock.elapsed()
    if (this.#options.answers && this.#socket.writable) {
      if (refused.length > 0) this.#write(refused)
      if (this.#socket.writableNeedDrain) this.#unwritten = true
      else this.#write([{ kind: 'ok', frame: upTo }])
    }
    this.#settle()
  }

  /** For whoever looks at all clients now and then. */
  endIfIdle(now: number): void {
    const { idleTimeoutMs, frameTimeoutMs } = this.#options
    if (this.#isCongested) {
      if (now - this.#since > frameTimeoutMs) this.#endUnread()
      return
    }
    if (this.#ended || this.#socket.isPaused() || this.#broken !== undefined || this.#hasWhole) return
    const isWithin = this.#reader.bytes > 0
    if (!isWithin && this.#taken > this.#answered) return
    if (now - this.#since <= (isWithin ? frameTimeoutMs : idleTimeoutMs)) return
    this.#break(isWithin ? `it is not whole after ${frameTimeoutMs} ms` : `nothing came for ${idleTimeoutMs} ms`)
  }

  /** Reads no more; what was taken can still be answered. */
  pause(): void {
    this.#socket.pause()
  }

  /** What was written still goes out, until `late`. */
  async close(late: Promise<void>): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    this.#sayCount()
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      void late.then(() => socket.destroy())
      socket.end(() => socket.destroy())
    })
  }

  #read(chunk: Buffer): void {
    if (this.#broken !== undefined) return
    if (this.#reader.bytes === 0) this.#since = systemClock.elapsed()
    this.#reader.push(chunk)
    if (!this.#hasWhole) return
    if (!this.#isCongested) this.#since = systemClock.elapsed()
    if (this.#reader.bytes >= this.#options.maxBufferedBytes) this.#socket.pause()
    this.#events.ready(this)
  }

  #end(): void {
    this.#ended = true
    this.#settle()
  }

  #break(what: string): void {
    this.#complain(what)
    // What it goes on sending is dropped as it comes, so that it does not wait in the kernel and the end reaches the client.
    this.#socket.resume()
    this.#settle()
  }

  /** Ends the connection once all that was taken is answered. */
  #settle(): void {
    const waits = this.#options.answers && this.#taken > this.#answered && !this.#socket.destroyed
    // Looking for a frame may find that there can be none, and settle it.
    if (this.#isGone || waits || this.#hasWhole || this.#isGone) return
    if (this.#broken === undefined) {
      if (!this.#ended) return
      if (this.#reader.bytes > 0) this.#complain('the connection ended before it was whole')
    }
    this.#isGone = true
    this.#finish()
  }

  #complain(what: string): void {
    this.#broken = what
    this.#events.complain(this, what)
  }

  #finish(): void {
    const socket = this.#socket
    if (!socket.destroyed) {
      // Behind an end nothing is said of what drains.
      this.#sayCount()
      if (this.#broken !== undefined && this.#options.answers && socket.writable)
        this.#write([{ kind: 'error', frame: this.#taken + 1, reason: this.#broken }])
      socket.end()
      // Whoever does not read the end is not waited for.
      void idleClock.sleep(1_000).then(() => socket.destroy())
    }
    this.#events.gone(this)
  }

  #closed(): void {
    this.#ended = true
    this.#goOn()
    this.#settle()
  }

  #drained(): void {
    this.#since = systemClock.elapsed()
    this.#goOn()
    this.#sayCount()
  }

  #sayCount(): void {
    if (!this.#unwritten || !this.#socket.writable) return
    this.#unwritten = false
    this.#write([{ kind: 'ok', frame: this.#answered }])
  }

  #write(answers: readonly Answer[]): void {
    this.#socket.write(
      framed(
        this.#options.frames,
        answers.map((answer) => Buffer.from(answerText(answer))),
      ),
    )
    this.#isCongested ||= this.#socket.writableLength > maxUnreadBytes
  }

  #goOn(): void {
    if (!this.#isCongested) return
    this.#isCongested = false
    if (this.#hasWhole) this.#events.ready(this)
  }

  #endUnread(): void {
    const { frameTimeoutMs } = this.#options
    this.#events.complain(
      this,
      `it does not read its answers: ${this.#socket.writableLength} bytes wait, and it has read none for ${frameTimeoutMs} ms`,
    )
    this.#socket.destroy()
  }
}
