import { idleClock, type Clock } from '../core/clock.js'
import { errorBody, statusOf } from './http-error.js'
import type { Call } from './route.js'

/** One server-sent event. */
export interface StreamEvent {
  /** Where to go on after it: a browser that connects again sends it as `last-event-id`. Without line ends. */
  readonly id?: string
  /** @default 'message' */
  readonly event?: string
  /** Sent as JSON, in one line. Left out: nothing arrives, and the client goes on after `id`. */
  readonly data?: unknown
}

export interface EventStreamOptions {
  /** @default one that does not keep the process alive */
  readonly clock?: Clock
  /** When nothing has been sent for so long an empty comment is, so that proxies and clients see that it is alive. @default 15000 */
  readonly beatMs?: number
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const beat = bytesOf(':\n\n')

/**
 * Events as they come, as a browser's `EventSource` reads them. One is asked for when the one before it has been taken, so what waits
 * for a slow client waits in `events`, which has to be bounded. It ends when `events` does, and is ended (`return`) when the client goes or
 * `call.signal` aborts; what waits inside must follow that signal. What `events` throws is told as the event `error`, the last one; what
 * nobody outside is told of breaks the stream then, so that it is logged.
 */
export function eventStream(
  call: Pick<Call, 'signal'>,
  events: AsyncIterable<StreamEvent>,
  { clock = idleClock, beatMs = 15_000 }: EventStreamOptions = {},
): Response {
  const feed = new Feed(events[Symbol.asyncIterator]())
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // The client sees at once that it is connected.
        controller.enqueue(beat)
      },
      async pull(controller) {
        const part = await feed.next(clock, beatMs, call.signal)
        if (part !== undefined) controller.enqueue(part)
        else controller.close()
      },
      cancel: () => feed.end(),
    },
    { highWaterMark: 0 },
  )
  call.signal.addEventListener('abort', () => feed.end(), { once: true })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } })
}

/** What is asked for next, and there once `arrived` aborts; nothing at the end. */
interface Coming {
  readonly arrived: AbortController
  part?: Uint8Array | undefined
}

class Feed {
  readonly #events: AsyncIterator<StreamEvent>
  #coming: Coming | undefined
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  constructor(events: AsyncIterator<StreamEvent>) {
    this.#events = events
  }

  /** The next event, or a beat when there is none for so long; undefined at the end. */
  async next(clock: Clock, beatMs: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#isOver || signal.aborted) return undefined
    this.#coming ??= this.#ask()
    const { arrived } = this.#coming
    await clock.sleep(beatMs, arrived.signal)
    if (!arrived.signal.aborted) return beat
    const { part } = this.#coming
    this.#coming = undefined
    return part
  }

  #ask(): Coming {
    const coming: Coming = { arrived: new AbortController() }
    const arrive = (part: Uint8Array | undefined): void => {
      coming.part = part
      coming.arrived.abort()
    }
    this.#events.next().then(
      ({ done, value }) => arrive(done === true ? undefined : this.#told(value)),
      (error: unknown) => arrive(this.#last(error)),
    )
    return coming
  }

  #told(event: StreamEvent): Uint8Array {
    try {
      return bytesOf(textOf(event))
    } catch (error) {
      this.end()
      return this.#last(error)
    }
  }

  #last(error: unknown): Uint8Array {
    this.#isOver = true
    if (statusOf(error) === 500) this.#failure = { error }
    return bytesOf(textOf({ event: 'error', data: errorBody(error) }))
  }

  end(): void {
    this.#isOver = true
    this.#coming?.arrived.abort()
    void Promise.resolve(this.#events.return?.()).catch(() => undefined)
  }
}

function textOf(told: StreamEvent): string {
  const { id, event, data } = told
  const lines = [id === undefined ? '' : `id: ${line(id)}\n`, event === undefined ? '' : `event: ${line(event)}\n`]
  return `${lines.join('')}${'data' in told ? `data: ${JSON.stringify(data) ?? 'null'}\n` : ''}\n`
}

/** A line end in it would begin another field. */
const line = (text: string): string => text.replace(/[\r\n\0]/g, ' ')
