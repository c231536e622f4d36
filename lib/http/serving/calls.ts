import type { Clock } from '../../core/clock.js'
import { HttpError } from '../http-error.js'

/** At the same time, of one process. */
const maxCalls = 256
const maxStreams = 128
/** For an answer, or the beginning of a stream. Routes that wait for something have limits of their own, below this. */
const answerMs = 60_000

/** The requests under way: how many there may be, how long they may last, and that they end with the app. */
export class Calls {
  readonly #clock: Clock
  readonly #onBroken: (error: unknown) => void
  readonly #answering = new Set<AbortController>()
  readonly #streaming = new Set<AbortController>()

  /** `onBroken`: a stream has ended by an error. */
  constructor(clock: Clock, onBroken: (error: unknown) => void) {
    this.#clock = clock
    this.#onBroken = onBroken
  }

  /** `free`: whatever is under way already. Rejects with `OVERLOADED`, and as `answer` does. */
  async run(
    request: Request,
    free: boolean,
    answer: (signal: AbortSignal) => Response | Promise<Response>,
  ): Promise<Response> {
    if (!free && this.#answering.size >= maxCalls) throw overloaded(`${maxCalls} requests are being answered`)
    const ending = new AbortController()
    const abort = (): void => ending.abort()
    const forget = (): void => request.signal.removeEventListener('abort', abort)
    request.signal.addEventListener('abort', abort)
    if (request.signal.aborted) abort()
    this.#answering.add(ending)
    try {
      const response = await this.#inTime(ending, answer(ending.signal))
      if (!isStream(response)) {
        forget()
        return response
      }
      return this.#stream(response, ending, forget)
    } catch (error) {
      forget()
      throw error
    } finally {
      this.#answering.delete(ending)
    }
  }

  async #inTime(ending: AbortController, answer: Response | Promise<Response>): Promise<Response> {
    const over = new AbortController()
    // With a reason, since making one up costs as much as an answer.
    const end = (): void => over.abort('over')
    ending.signal.addEventListener('abort', end)
    if (ending.signal.aborted) end()
    try {
      const first = await Promise.race([answer, this.#clock.sleep(answerMs, over.signal)])
      if (first !== undefined) return first
    } finally {
      ending.signal.removeEventListener('abort', end)
      end()
    }
    void Promise.resolve(answer).then(drop, () => undefined)
    if (ending.signal.aborted) throw new HttpError(503, 'APP_CLOSED', 'the app was closed before there was an answer')
    ending.abort()
    throw overloaded(`there was no answer within ${answerMs / 1_000} s`)
  }

  #stream(response: Response, ending: AbortController, forget: () => void): Response {
    if (this.#streaming.size >= maxStreams) {
      forget()
      drop(response)
      throw overloaded(`${maxStreams} streams are open`)
    }
    this.#streaming.add(ending)
    const onEnd = (broken?: { readonly error: unknown }): void => {
      forget()
      this.#streaming.delete(ending)
      if (broken !== undefined) this.#onBroken(broken.error)
    }
    const body = ended(response.body as ReadableStream<Uint8Array>, ending, onEnd)
    return new Response(body, { status: response.status, headers: response.headers })
  }

  close(): void {
    for (const each of [...this.#answering, ...this.#streaming]) each.abort()
  }
}

const isStream = ({ body, headers }: Response): boolean => body !== null && !headers.has('content-length')

function drop({ body }: Response): void {
  void body?.cancel().catch(() => undefined)
}

const overloaded = (what: string): HttpError =>
  new HttpError(503, 'OVERLOADED', `${what}, which is the limit; ask again later`, { headers: { 'retry-after': '1' } })

/** The same stream, which ends when `ending` aborts, aborts it when nobody reads it any more, and calls `onEnd` once. */
function ended(
  body: ReadableStream<Uint8Array>,
  ending: AbortController,
  onEnd: (broken?: { readonly error: unknown }) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let isOver = false
  const over = (broken?: { readonly error: unknown }): void => {
    if (isOver) return
    isOver = true
    onEnd(broken)
    ending.abort()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (): void => {
          if (isOver) return
          over()
          void reader.cancel().catch(() => undefined)
          controller.close()
        }
        if (ending.signal.aborted) end()
        else ending.signal.addEventListener('abort', end, { once: true })
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (isOver) return
          if (!done) return controller.enqueue(value)
          over()
          controller.close()
        } catch (error) {
          if (isOver) return
          over({ error })
          controller.error(error)
        }
      },
      async cancel(reason) {
        over()
        await reader.cancel(reason).catch(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
