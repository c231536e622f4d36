import { once } from 'node:events'
import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { Child, type ChildOptions } from '../child/child.js'
import { LineSplitter } from '../child/line-splitter.js'
import { jsonIn } from '../messages/messages.js'
import { ackIn, stateLine, type Ack } from './target-lines.js'

/** One program that takes batches, as long as it lives. */
export class Target {
  readonly #child: Child
  readonly #splitter: LineSplitter
  /** Of the last STATE that it was given. */
  #sent: Ack | undefined
  /** The last batch that it has acknowledged. */
  #acknowledged = 0
  #failure: MillraceError | undefined
  #hasEndedClean = false
  #wake: () => void = () => undefined
  readonly #over: Promise<void>

  constructor(options: ChildOptions, maxLineBytes: number, schema: string) {
    this.#child = new Child(options)
    this.#splitter = new LineSplitter(this.#child.name, maxLineBytes)
    this.#over = this.#listen()
    this.#child.stdin.write(schema)
  }

  get isUsable(): boolean {
    return this.#failure === undefined
  }

  /** Resolves when it has acknowledged the batch; a program that has not within `timeoutMs` is killed. */
  async send(lines: readonly string[], at: Omit<Ack, 'batch'>, ends: boolean, timeoutMs: number): Promise<void> {
    const ack = { ...at, batch: (this.#sent?.batch ?? 0) + 1 }
    const late = new AbortController()
    void systemClock.sleep(timeoutMs, late.signal).then(() => {
      if (late.signal.aborted) return
      this.#fail(
        `has not acknowledged ${place(ack)} within ${timeoutMs} ms. If it does so only when its input ends, set acknowledges: 'at-end'`,
      )
    })
    try {
      this.#sent = ack
      for (const chunk of chunks([...lines, stateLine(ack)])) await this.#write(chunk)
      if (ends) this.#child.stdin.end()
      while (this.isUsable && (ends || this.#acknowledged < ack.batch)) await this.#woken()
      if (ends) await this.#over
      const isGood = this.#acknowledged >= ack.batch && (!ends || this.#hasEndedClean)
      if (!isGood) throw this.#failure ?? this.#error(`has not acknowledged ${place(ack)}`)
    } finally {
      late.abort()
    }
  }

  /** It has all that it needs: it may end by itself. */
  async close(): Promise<void> {
    this.#child.stdin.end()
    await this.#child.stop('gently')
  }

  /** It has not. */
  async stop(): Promise<void> {
    this.#fail('was stopped')
    await this.#child.stop()
  }

  async #write(chunk: string): Promise<void> {
    if (!this.isUsable || this.#child.stdin.write(chunk)) return
    const drained = new AbortController()
    void once(this.#child.stdin, 'drain', { signal: drained.signal }).then(
      () => this.#wake(),
      () => undefined,
    )
    while (this.isUsable && this.#child.stdin.writableNeedDrain) await this.#woken()
    drained.abort()
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  /** Resolves when it has ended. Never rejects. */
  async #listen(): Promise<void> {
    try {
      for await (const chunk of this.#child.stdout as AsyncIterable<Buffer>)
        for (const line of this.#splitter.push(chunk)) this.#hear(line)
      if (this.#splitter.rest.length > 0) this.#hear(this.#splitter.rest)
    } catch (error) {
      this.#fail(error instanceof MillraceError ? error : 'cannot be read any more')
    }
    const { isClean, how } = await this.#child.exited
    this.#hasEndedClean = isClean && this.isUsable
    // Also when it has ended as it should: nothing can be sent to it any more.
    this.#fail(how, isClean)
  }

  #hear(line: Buffer): void {
    if (line.toString('latin1').trim() === '') return
    const ack = ackIn(jsonIn(line))
    const sent = this.#sent
    if (ack === undefined || ack.topic !== sent?.topic || ack.partition !== sent.partition || ack.batch > sent.batch)
      return this.#fail(
        `has written what acknowledges nothing that was sent: ${JSON.stringify(this.#child.hide(line.toString('utf8', 0, 4_000)).slice(0, 200))}. Its stdout is for the values of STATE messages; let it log to stderr`,
      )
    this.#acknowledged = Math.max(this.#acknowledged, ack.batch)
    this.#wake()
  }

  /** The first reason is the reason. */
  #fail(what: string | MillraceError, hasEnded = false): void {
    this.#failure ??= typeof what === 'string' ? this.#error(what) : what
    if (!hasEnded) this.#child.kill()
    this.#wake()
  }

  #error(what: string): MillraceError {
    return new MillraceError('CHILD_FAILED', `${this.#child.name} ${what}`)
  }
}

const place = ({ topic, partition, nextOffset }: Ack): string => `${topic}[${partition}] up to ${nextOffset}`

/** Of some size: a write for each line is slow, and one for all of them is all of them again. */
function* chunks(lines: readonly string[]): Generator<string> {
  let chunk = ''
  for (const line of lines) {
    chunk += line
    if (chunk.length < 65_536) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
