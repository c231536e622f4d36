/** What an instance has refused, or that there was no answer. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>

/** The page may be mounted below another path. */
const mount = new URL('.', location.href)

function urlOf(path: string, query: Query = {}): URL {
  const url = new URL(`api/${path}`, mount)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return answerOf(await ask(urlOf(path, query), { signal: signal ?? null }))
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return answerOf(await ask(urlOf(path), init))
}

const sessionName = 'millrace.session'

/** Whether this browser has begun a session, which can be ended. */
export const hasSession = (): boolean => localStorage.getItem(sessionName) !== null

/** Begins a session with the token of the app; false when it is not the token. The session is a cookie that no script can read. */
export async function login(token: string): Promise<boolean> {
  const response = await ask(new URL('login', mount), {
    method: 'POST',
    body: new URLSearchParams({ token }),
    redirect: 'manual',
  })
  if (response.type !== 'opaqueredirect' && !response.ok) return false
  localStorage.setItem(sessionName, 'begun')
  return true
}

export async function logout(): Promise<void> {
  await ask(new URL('logout', mount), { method: 'POST', redirect: 'manual' })
  localStorage.removeItem(sessionName)
}

/** A stream of events; rejects like `get`. */
export async function stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await ask(urlOf(path), { headers: { accept: 'text/event-stream' }, signal })
  if (!response.ok || response.body === null) await answerOf(response)
  return response.body as ReadableStream<Uint8Array>
}

async function ask(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, cache: 'no-store' })
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new ApiError(0, 'AWAY', 'The instance does not answer. It may be starting again, or the connection is gone.')
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  let answer: unknown
  try {
    answer = await response.json()
  } catch {
    throw new ApiError(response.status, 'INTERNAL', `The instance answered with status ${response.status} and no JSON.`)
  }
  if (response.ok) return answer as T
  const { code = 'INTERNAL', message = `The instance answered with status ${response.status}.` } =
    (answer as { error?: { code?: string; message?: string } } | null)?.error ?? {}
  throw new ApiError(response.status, String(code), String(message))
}

/** In words, of whatever was thrown. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
