import { plain } from '../codec/plain.js'
import { eventStream, type StreamEvent } from '../http/event-stream.js'
import type { Call, Route } from '../http/route.js'
import type { Queries } from './queries.js'
import type { Change, Changes } from './watch/changes.js'
import { watchedIn } from './watch/watching.js'

/** Changes that are none of what is watched move the id of the client on, so often at most. */
const passedMs = 1_000

/** `GET /watch/<kind>/<key>` and `GET /watch/<kind>?prefix=`: changes as server-sent events, which go on where they stopped. */
export function watchRoutes(queries: Queries): readonly Route[] {
  const watch = async (call: Call, key: string | undefined): Promise<Response> => {
    const { request, params, query, signal } = call
    const { kind = '' } = params
    const after = request.headers.get('last-event-id') ?? query.get('after') ?? undefined
    const what = key ?? query.get('key') ?? { prefix: query.get('prefix') ?? '' }
    // Before it answers, so that what is wrong is an answer with a status.
    const changes = await queries.changes(kind, watchedIn(what), after === '' ? undefined : after)
    return eventStream(call, events(kind, changes, signal))
  }
  return [
    { method: 'GET', path: '/watch/:kind', access: 'read', handle: (call) => watch(call, undefined) },
    {
      method: 'GET',
      path: '/watch/:kind/:key',
      access: 'read',
      handle: (call) => watch(call, call.params['key'] ?? ''),
    },
  ]
}

async function* events(
  kind: string,
  changes: Changes,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  let toldAt = 0
  for await (const change of changes.read(signal)) {
    const now = performance.now()
    if (change.key === undefined && now - toldAt < passedMs) continue
    toldAt = now
    yield change.key === undefined ? { id: change.id } : { id: change.id, data: told(kind, change as Change) }
  }
}

const told = (kind: string, { key, value, deleted, version, task, offset }: Change): unknown =>
  deleted ? { kind, key, deleted, task, offset } : { kind, key, value: plain(value), version, task, offset }
