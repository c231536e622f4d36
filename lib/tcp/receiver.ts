import type { Socket } from 'node:net'
import { idleClock } from '../core/clock.js'
import { reasonOf } from '../core/errors.js'
import { maxAnswerBytes, readAnswer } from './frames/answers.js'
import { framed } from './frames/frame-bytes.js'
import { FrameReader, type Frames } from './frames/frame-reader.js'

export interface ReceiverOptions {
  readonly frames: Frames
  readonly answers: boolean
  readonly timeoutMs: number
}

/** What the other side says of frames while they are under way. */
export interface Heard {
  /** So many of them, the first ones, are dealt with. */
  answered(count: number): void
  /** By its place, from 0 on. */
  refused(place: number, why: string): void
}

/** Frames under way. */
interface Sending {
  readonly frames: readonly Uint8Array[]
  /** Of the connection, before these. */
  readonly before: number
  readonly heard: Heard
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A connection that frames are sent to, and what the other side answers. One sending at a time. */
export class Receiver {
  readonly #socket: Socket
  readonly #name: string
  readonly #options: ReceiverOptions
  readonly #answers: FrameReader
  #sent = 0
  #sending: Sending | undefined
  #failure: Error | undefined

  constructor(socket: Socket, name: string, options: ReceiverOptions) {
    this.#socket = socket
    this.#name = name
    this.#options = options
    this.#answers = new FrameReader(options.frames, maxAnswerBytes)
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    socket.on('data', (chunk) => this.#heard(chunk))
    socket.on('error', (error) => this.#fail(reasonOf(error)))
    socket.on('end', () => this.#fail('the receiver has ended the connection'))
    socket.on('close', () => this.#fail('the connection was closed'))
  }

  get isBroken(): boolean {
    return this.#failure !== undefined
  }

  /** Resolves when they have gone out, or are answered. Rejects with what the connection broke of. */
  async send(frames: readonly Uint8Array[], heard: Heard): Promise<void> {
    const done = new AbortController()
    const { timeoutMs } = this.#options
    void idleClock.sleep(timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) this.#fail(`a batch of ${frames.length} was not ${this.#what} within ${timeoutMs} ms`)
    })
    try {
      await new Promise<void>((resolve, reject) => {
        if (this.#failure !== undefined) return reject(this.#failure)
        this.#sending = { frames, before: this.#sent, heard, resolve, reject }
        this.#sent += frames.length
        this.#socket.write(framed(this.#options.frames, frames), () => {
          if (!this.#options.answers) resolve()
        })
      })
    } finally {
      done.abort()
      this.#sending = undefined
    }
  }

  /** What was sent still goes out. */
  async close(): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      void idleClock.sleep(500).then(() => socket.destroy())
      // What the other side has sent is read, or the end would reach it as a reset, which can overtake what was sent.
      socket.resume().end(() => socket.destroySoon())
    })
  }

  get #what(): string {
    return this.#options.answers ? 'answered' : 'read'
  }

  #heard(chunk: Buffer): void {
    // Who is not asked for answers may say what it likes.
    if (!this.#options.answers || this.#failure !== undefined) return
    this.#answers.push(chunk)
    try {
      for (let frame = this.#answers.take(); frame !== undefined; frame = this.#answers.take()) this.#answer(frame)
    } catch (error) {
      this.#fail(`the receiver does not answer as it should: ${reasonOf(error)}`)
    }
  }

  #answer(frame: Buffer): void {
    const answer = readAnswer(frame)
    if (answer === undefined) throw new Error(`${JSON.stringify(frame.toString('latin1').slice(0, 60))} is no answer`)
    if (answer.kind === 'error') return this.#fail(`the receiver ends at frame ${answer.frame}: ${answer.reason}`)
    if (answer.frame > this.#sent) throw new Error(`it answers frame ${answer.frame}, of ${this.#sent} that were sent`)
    const sending = this.#sending
    const place = answer.frame - (sending?.before ?? this.#sent)
    // Of those before these: said again.
    if (sending === undefined || place <= 0) return
    if (answer.kind === 'refused') return sending.heard.refused(place - 1, answer.reason)
    sending.heard.answered(place)
    if (place === sending.frames.length) sending.resolve()
  }

  #fail(reason: string): void {
    if (this.#failure !== undefined) return
    this.#failure = new Error(`${this.#name}: ${reason}`)
    this.#sending?.reject(this.#failure)
    this.#socket.destroy()
  }
}
