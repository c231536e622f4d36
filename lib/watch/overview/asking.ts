import { errorTold, peerHeaders, textWithin } from '../../http/peer-request.js'
import { MillraceError, reasonOf } from '../../core/errors.js'

/** A request to another instance. */
export interface Asking {
  /** `/api/instance`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Makes it a POST with this as JSON. */
  readonly body?: unknown
  readonly timeoutMs: number
}

/** More than any answer has: what is larger is none of ours. */
const mostBytes = 16 << 20
const longestWhy = 500

/** An instance, and where it has told the group that it is asked. */
export interface Asked {
  readonly instance: string
  readonly http: string
}

/** Asks an instance, and gives what it answers as JSON. Rejects with the error it answers, or with why it gives no answer. */
export async function askOver(
  { instance, http: base }: Asked,
  { path, query, body, timeoutMs }: Asking,
  token?: string,
): Promise<unknown> {
  // The listener may be behind a path.
  const url = new URL(base.replace(/\/+$/, '') + path)
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
  const headers = { accept: 'application/json', ...peerHeaders(token, base, instance) } as Record<string, string>
  if (body !== undefined) headers['content-type'] = 'application/json'
  const response = await answered(url, timeoutMs, {
    method: body === undefined ? 'GET' : 'POST',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const answer = await jsonIn(response)
  if (response.ok) return answer
  throw refusal(response.status, answer)
}

async function answered(url: URL, timeoutMs: number, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    const isLate = (error as { readonly name?: unknown } | null)?.name === 'TimeoutError'
    const why = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    throw new Error(`${url.origin}: ${why}`, { cause: error })
  }
}

async function jsonIn(response: Response): Promise<unknown> {
  const text = await textWithin(response, mostBytes)
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** An error of ours stays what it is, but for those that concern the asking, and not what was asked for. */
function refusal(status: number, answer: unknown): Error {
  const { code, message } = errorTold(answer)
  const why = message === undefined ? `HTTP status ${status}` : message.slice(0, longestWhy).toWellFormed()
  return code === undefined ? new Error(why) : new MillraceError(code, why)
}
