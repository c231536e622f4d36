import { plain } from '../codec/plain.js'
import { msOf, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { json, whole } from '../http/answers.js'
import { HttpError } from '../http/http-error.js'
import type { Call, Route } from '../http/route.js'
import { shownKey } from './local/kind-at.js'
import type { Queries } from './queries.js'
import type { ReadOptions } from './read-options.js'
import type { StateAnswer } from './routed-state.js'

const defaultPage = 100
const mostPage = 1_000
const mostArguments = 100
/** Characters of a page: states may be large, and then there are fewer in it. */
const pageLength = 4 << 20
/** Below what any answer may take. */
const mostTimeoutMs = 50_000

/** State over HTTP, as JSON for people and programs in any language; see `docs/queries.md`. */
export function stateRoutes(queries: Queries): readonly Route[] {
  const ask = async (call: Call, key: string): Promise<Response> => {
    const { kind = '', query: name = '' } = call.params
    const args = argumentsIn(await call.json())
    const options = readOptions(call.query)
    const state = queries.state(queries.kind(kind), options)
    state.demandQuery(name)
    const { value, ...from } = await state.read(key)
    if (value === undefined) throw missing(kind, key)
    const answer = await asked(() => state.answer(value, name, args), kind, key, name)
    return json({ ...where(from), query: name, answer: answer ?? null })
  }
  const owner = async ({ params }: Call, key: string): Promise<Response> =>
    json(await queries.owner(params['kind'] ?? '', key))
  return [
    {
      method: 'GET',
      path: '/state/:kind',
      access: 'read',
      handle: ({ params, query }) => {
        const { kind = '' } = params
        const key = query.get('key')
        return key === null ? list(queries, kind, query) : get(queries, kind, key, query)
      },
    },
    {
      method: 'GET',
      path: '/state/:kind/:key',
      access: 'read',
      handle: ({ params, query }) => get(queries, params['kind'] ?? '', params['key'] ?? '', query),
    },
    {
      method: 'POST',
      path: '/state/:kind/:key/ask/:query',
      access: 'read',
      handle: (call) => ask(call, call.params['key'] ?? ''),
    },
    {
      method: 'GET',
      path: '/owner/:kind/:key',
      access: 'read',
      handle: (call) => owner(call, call.params['key'] ?? ''),
    },
    // For keys that no path can hold: `.` and `..`.
    {
      method: 'POST',
      path: '/state/:kind/ask/:query',
      access: 'read',
      handle: async (call) => ask(call, keyIn(call)),
    },
    {
      method: 'GET',
      path: '/owner/:kind',
      access: 'read',
      handle: async (call) => owner(call, keyIn(call)),
    },
  ]
}

async function get(queries: Queries, kind: string, key: string, query: URLSearchParams): Promise<Response> {
  const { value, ...from } = await queries.state(queries.kind(kind)).read(key, readOptions(query))
  if (value === undefined) throw missing(kind, key)
  return json({ ...where(from), value: plain(value) })
}

async function list(queries: Queries, kind: string, query: URLSearchParams): Promise<Response> {
  const limit = limitIn(query.get('limit'))
  const { timeout } = readOptions(query)
  const options = {
    prefix: query.get('prefix') ?? '',
    limit: limit + 1,
    after: query.get('after') ?? undefined,
    timeout,
  }
  const texts: string[] = []
  let length = 0
  let last: string | undefined
  for await (const { value, ...from } of queries.state(queries.kind(kind)).list(defined(options))) {
    if (texts.length === limit || length >= pageLength) return page(kind, texts, last)
    const text = JSON.stringify({ ...from, value: plain(value) })
    texts.push(text)
    length += text.length
    last = from.key
  }
  return page(kind, texts, undefined)
}

function page(kind: string, objects: readonly string[], next: string | undefined): Response {
  const end = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
  return whole(
    `{"kind":${JSON.stringify(kind)},"objects":[${objects.join(',')}]${end}}`,
    'application/json; charset=utf-8',
  )
}

function where({ kind, key, version, task, offset, instance, stale, id }: Omit<StateAnswer, 'value'>): object {
  return { kind, key, version, task, offset, instance, stale, id }
}

function missing(kind: string, key: string): HttpError {
  return new HttpError(404, 'OBJECT_MISSING', `there is no object ${kind} '${shownKey(key)}'`, { kind, key })
}

/** The answer as JSON has it. What the query throws is in the log: it is of the program, and of what it was asked. */
async function asked(run: () => unknown, kind: string, key: string, query: string): Promise<unknown> {
  try {
    return plain(await run())
  } catch (cause) {
    if (MillraceError.is(cause)) throw cause
    throw new HttpError(422, 'QUERY_FAILED', `query '${query}' of ${kind} threw: its log says what`, {
      kind,
      key,
      cause,
    })
  }
}

function keyIn({ query }: Call): string {
  const key = query.get('key')
  if (key !== null) return key
  throw new HttpError(400, 'REQUEST_INVALID', 'of which object? Give its key, in the path or as ?key=')
}

function argumentsIn(body: unknown): readonly unknown[] {
  if (body === undefined) return []
  if (Array.isArray(body) && body.length <= mostArguments) return body as unknown[]
  const what = `the body is to be what the query is given: a JSON list of ${mostArguments} at most, such as [1, "a"]`
  throw new HttpError(400, 'REQUEST_INVALID', what)
}

function readOptions(query: URLSearchParams): ReadOptions {
  const token = query.getAll('token')
  const stale = query.get('stale')
  if (stale !== null && stale !== 'true' && stale !== 'false')
    throw new HttpError(400, 'REQUEST_INVALID', 'stale is to be true or false')
  const text = query.get('timeout')
  const timeout = text === null ? undefined : ((/^\d{1,9}$/.test(text) ? Number(text) : text) as Duration)
  if ((msOf(timeout) ?? 0) > mostTimeoutMs)
    throw new HttpError(400, 'REQUEST_INVALID', `timeout is to be ${mostTimeoutMs / 1_000}s at most`)
  return defined({ after: token.length === 0 ? undefined : token, stale: stale === 'true' ? true : undefined, timeout })
}

function limitIn(text: string | null): number {
  if (text === null) return defaultPage
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit >= 1) return Math.min(limit, mostPage)
  throw new HttpError(400, 'REQUEST_INVALID', `limit is to be a whole number from 1 to ${mostPage}`)
}

const defined = <T extends object>(options: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
