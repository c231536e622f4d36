import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.js'

/** A client that takes nothing for so long is sent away. */
const stallMs = 30_000

/** Writes an answer no faster than it is read: nothing gathers for a client that does not. Never rejects. */
export async function write(
  response: ServerResponse,
  answer: Response,
  clock: Clock,
  gone: AbortSignal,
): Promise<void> {
  try {
    const reader = answer.body?.getReader()
    const cancel = (): void => void reader?.cancel().catch(() => undefined)
    if (gone.aborted) return cancel()
    gone.addEventListener('abort', cancel)
    response.writeHead(answer.status, headersOf(answer, response))
    if (reader === undefined) return void response.end()
    if (!answer.headers.has('content-length')) response.flushHeaders()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || gone.aborted) break
      if (!response.write(value) && !(await drained(response, clock, gone))) break
    }
    if (response.writableNeedDrain) response.destroy()
    else response.end()
  } catch {
    // It has begun already: that it is not whole shows by the connection.
    response.destroy()
  }
}

function headersOf(answer: Response, { req }: ServerResponse): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.fromEntries(answer.headers)
  const cookies = answer.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  // The rest of a body that is not wanted is not read.
  if (!req.complete) headers['connection'] = 'close'
  return headers
}

/** Whether it takes more, in time. */
async function drained(response: ServerResponse, clock: Clock, gone: AbortSignal): Promise<boolean> {
  const over = new AbortController()
  const end = (): void => over.abort()
  response.on('drain', end)
  gone.addEventListener('abort', end)
  await clock.sleep(stallMs, over.signal)
  response.off('drain', end)
  gone.removeEventListener('abort', end)
  return !gone.aborted && !response.writableNeedDrain
}
