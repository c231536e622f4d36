import type { Clock } from '../../core/clock.js'
import type { Overview } from './overview.js'

const everyMs = 1_000

type Sending = ReadableStreamDefaultController<Uint8Array>

/** A snapshot each second to whoever listens, as server-sent events; gathered once for all of them, and not at all when there is nobody. */
export class Live {
  readonly #overview: Overview
  readonly #clock: Clock
  readonly #streams = new Set<Sending>()
  #running = false

  constructor(overview: Overview, clock: Clock) {
    this.#overview = overview
    this.#clock = clock
  }

  /** Ends when `signal` aborts, or whoever listens goes. */
  stream(signal: AbortSignal): ReadableStream<Uint8Array> {
    let own: Sending
    const end = (): void => {
      if (!this.#streams.delete(own)) return
      try {
        own.close()
      } catch {
        // It is closed already.
      }
    }
    return new ReadableStream<Uint8Array>({
      start: (sending) => {
        own = sending
        if (signal.aborted) return sending.close()
        this.#streams.add(sending)
        signal.addEventListener('abort', end, { once: true })
        void this.#run()
      },
      cancel: () => {
        signal.removeEventListener('abort', end)
        this.#streams.delete(own)
      },
    })
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    while (this.#streams.size > 0) {
      const next = this.#clock.elapsed() + everyMs
      const event = Buffer.from(`data: ${JSON.stringify(await this.#overview.snapshot())}\n\n`)
      for (const sending of this.#streams) send(sending, event)
      await this.#clock.sleep(Math.max(0, next - this.#clock.elapsed()))
    }
    this.#running = false
  }
}

/** Who reads slowly misses some. */
function send(sending: Sending, event: Uint8Array): void {
  try {
    if ((sending.desiredSize ?? 0) > 0) sending.enqueue(event)
  } catch {
    // It has just ended.
  }
}
