import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'
import { systemClock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'

const longestLine = 2_000
const windowMs = 10_000
const linesInWindow = 100

/** What a program says on stderr, line by line in the log: of bounded length, and at a bounded rate. */
export class StderrLog {
  /** The last line that says something. */
  last = ''
  readonly #logger: Logger
  readonly #fields: object
  readonly #hide: (text: string) => string
  #windowAt = systemClock.elapsed()
  #said = 0
  #leftOut = 0

  constructor(logger: Logger, fields: object, hide: (text: string) => string) {
    this.#logger = logger
    this.#fields = fields
    this.#hide = hide
  }

  /** Never rejects. */
  async read(stderr: Readable): Promise<void> {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    try {
      for await (const chunk of stderr as AsyncIterable<Buffer>) {
        const lines = (rest + decoder.write(chunk)).split('\n')
        // Of a line without an end its beginning is kept, and enough behind it that a secret across the cut is found.
        rest = (lines.pop() ?? '').slice(0, 2 * longestLine)
        for (const line of lines) this.#say(line)
      }
    } catch {
      // It has ended in another way.
    }
    this.#say(rest)
    this.#sayLeftOut()
  }

  #say(line: string): void {
    const text = this.#hide(line).slice(0, longestLine).trim().toWellFormed()
    if (text === '') return
    this.last = text.slice(0, 300)
    const now = systemClock.elapsed()
    if (now - this.#windowAt >= windowMs) {
      this.#sayLeftOut()
      this.#windowAt = now
      this.#said = 0
    }
    if (this.#said++ < linesInWindow) this.#logger.info(this.#fields, text)
    else this.#leftOut++
  }

  #sayLeftOut(): void {
    if (this.#leftOut === 0) return
    this.#logger.warn(this.#fields, `${this.#leftOut} more lines of its stderr were left out`)
    this.#leftOut = 0
  }
}
