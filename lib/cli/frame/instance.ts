import { reasonOf } from '../../core/errors.js'
import { CliError, type Exit } from './exits.js'

/** A running instance, asked over HTTP. */
export interface Instance {
  readonly url: string
  /** The answer as JSON. Rejects with what the instance says, or with that it does not answer. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>
  /** The answer as it comes, for streams. Rejects as `ask` does. */
  open(path: string): Promise<Response>
}

export function instanceAt(url: string, token: string | undefined, timeoutMs: number, signal: AbortSignal): Instance {
  const base = baseOf(url)
  const request = async (method: string, path: string, body: unknown, limit: AbortSignal): Promise<Response> => {
    const response = await fetch(new URL(path.replace(/^\//, ''), base), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: limit,
    }).catch((error: unknown) => {
      throw new CliError(
        'unreachable',
        `${base.origin} does not answer: ${reasonOf(error)}. Is the app running with http: { port }?`,
        error,
      )
    })
    if (!response.ok) throw await refusal(response, base)
    return response
  }
  return {
    url: base.origin,
    ask: async (method, path, body) => {
      const response = await request(method, path, body, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
      try {
        return await response.json()
      } catch (error) {
        throw new CliError(
          'failed',
          `${base.origin}${path} answered with something else than JSON: is it a Millrace app?`,
          error,
        )
      }
    },
    open: (path) => request('GET', path, undefined, signal),
  }
}

function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new CliError('usage', '--url is no http:// or https:// address')
  if (url.username !== '' || url.password !== '')
    throw new CliError('usage', '--url has a user or a password in it: give the token with MILLRACE_TOKEN or --token')
  url.pathname = url.pathname.replace(/\/?$/, '/')
  url.search = url.hash = ''
  return url
}

const ofStatus: Readonly<Record<number, Exit>> = {
  401: 'notAllowed',
  403: 'notAllowed',
  404: 'notFound',
  409: 'refused',
  503: 'unreachable',
}

async function refusal(response: Response, { origin }: URL): Promise<CliError> {
  const text = await response.text().catch(() => '')
  const { code, message } = errorIn(text)
  const said = message ?? `status ${response.status}`
  const todo = response.status === 401 ? ' Give its token with MILLRACE_TOKEN or --token.' : ''
  const what = `${origin} refuses: ${said}${code === undefined ? '' : ` (${code})`}.${todo}`
  return new CliError(ofStatus[response.status] ?? 'failed', what.replace(/\.\s*\.$/, '.'))
}

function errorIn(text: string): { readonly code?: string; readonly message?: string } {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } }
    return {
      ...(typeof error?.code === 'string' ? { code: error.code } : {}),
      ...(typeof error?.message === 'string' ? { message: error.message } : {}),
    }
  } catch {
    return {}
  }
}
