import { HttpError } from './http-error.js'

/** Of the body of a request. */
export const maxBodyBytes = 1_048_576

/** The body as JSON; undefined when there is none. */
export async function jsonOf(request: Request): Promise<unknown> {
  const text = await textOf(request)
  if (text === '') return undefined
  const type = request.headers.get('content-type') ?? 'application/json'
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type))
    throw new HttpError(415, 'REQUEST_INVALID', 'the body is to be JSON; send it with content-type: application/json')
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new HttpError(400, 'REQUEST_INVALID', 'the body is no JSON')
  }
}

/** Rejects with `REQUEST_INVALID`: what is too large, no UTF-8, or ends before its end. */
export async function textOf(request: Request, most = maxBodyBytes): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge(most)
  if (request.body === null) return ''
  if (request.bodyUsed || request.body.locked)
    throw new HttpError(400, 'REQUEST_INVALID', 'the body was read before it came here; hand the request on unread')
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of request.body as AsyncIterable<Uint8Array>) {
      bytes += part.byteLength
      if (bytes > most) throw tooLarge(most)
      parts.push(part)
    }
  } catch (cause) {
    if (cause instanceof HttpError) throw cause
    throw new HttpError(400, 'REQUEST_INVALID', 'the body did not come to its end', { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw new HttpError(400, 'REQUEST_INVALID', 'the body is not UTF-8')
  }
}

const tooLarge = (most: number): HttpError =>
  new HttpError(413, 'REQUEST_INVALID', `the body has more than ${most} bytes, which is the limit`)
