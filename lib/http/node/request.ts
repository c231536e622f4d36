import type { IncomingMessage } from 'node:http'
import { HttpError } from '../http-error.js'

const hostForm = /^([\w.-]{1,253}|\[[\da-f:.]{2,45}\])(:\d{1,5})?$/i
/** The parser counts their bytes only. */
const maxHeaders = 200
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** A request of node:http as `fetch` has it. Throws `REQUEST_INVALID`. */
export function requestOf(incoming: IncomingMessage, url: string, signal: AbortSignal): Request {
  const { method = '' } = incoming
  if (!methods.includes(method))
    throw new HttpError(405, 'REQUEST_INVALID', `there is nothing that takes ${method}`, {
      headers: { allow: 'GET, HEAD, POST, DELETE' },
    })
  const headers = headersOf(incoming.rawHeaders)
  // The parser leaves it to us, so that it is answered as all else.
  if (incoming.httpVersion === '1.1' && !headers.has('host')) throw invalid('a host header is missing')
  const hasBody = method !== 'GET' && method !== 'HEAD' && mayHaveBody(headers)
  if (hasBody && incoming.readableDidRead)
    throw invalid('the body was read before it came here; give the server the handler before what reads bodies')
  return new Request(urlOf(url, headers.get('host')), {
    method,
    headers,
    signal,
    ...(hasBody ? { body: bodyOf(incoming), duplex: 'half' } : {}),
  })
}

function urlOf(target: string, host: string | null): string {
  if (host !== null && !hostForm.test(host)) throw invalid('the host header is no name or address with a port')
  // Proxies ask so; what it says counts, not the header.
  const text = /^https?:\/\//i.test(target)
    ? target
    : target.startsWith('/')
      ? `http://${host ?? 'localhost'}${target}`
      : ''
  if (!URL.canParse(text)) throw invalid('what is asked for is no path')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw invalid('what is asked for holds credentials')
  return url.href
}

function headersOf(raw: readonly string[]): Headers {
  if (raw.length > 2 * maxHeaders)
    throw new HttpError(431, 'REQUEST_INVALID', `there are more than ${maxHeaders} headers, which is the limit`)
  const headers = new Headers()
  try {
    for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] as string, raw[i + 1] as string)
  } catch (cause) {
    throw new HttpError(400, 'REQUEST_INVALID', 'a header has a form that HTTP does not know', { cause })
  }
  return headers
}

const mayHaveBody = (headers: Headers): boolean =>
  headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0

/** Read as far as somebody asks for it. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const parts = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
}

const invalid = (what: string): HttpError => new HttpError(400, 'REQUEST_INVALID', what)
