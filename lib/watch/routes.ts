import { anyText, required, type Rules } from '../core/options.js'
import { json } from '../http/answers.js'
import { eventStream } from '../http/event-stream.js'
import type { Call, Route } from '../http/route.js'
import { actionRoutes } from './action-routes.js'
import type { Watch } from './watch.js'
import { numberIn, queryOf } from './overview/requests.js'
import { pageRoutes } from './page/page-routes.js'

const mostListed = 500
const listed = 50
const mostLetters = 100
const lettersListed = 25

interface ObjectsQuery {
  readonly kind: string
  readonly prefix?: string
  readonly after?: string
  readonly limit?: string
  readonly here?: string
}

interface ObjectQuery {
  readonly kind: string
  readonly key: string
  readonly here?: string
}

interface HereQuery {
  readonly limit?: string
  readonly here?: string
}

interface LettersQuery {
  readonly kind?: string
  readonly key?: string
  readonly code?: string
  readonly before?: string
  readonly limit?: string
}

interface LetterQuery {
  readonly partition: string
  readonly offset: string
}

const kind = required(anyText)
const key = required(anyText)
const here: Rules<HereQuery> = { limit: anyText, here: anyText }
const objects: Rules<ObjectsQuery> = { kind, prefix: anyText, after: anyText, limit: anyText, here: anyText }
const object: Rules<ObjectQuery> = { kind, key, here: anyText }
const letters: Rules<LettersQuery> = { kind: anyText, key: anyText, code: anyText, before: anyText, limit: anyText }
const letter: Rules<LetterQuery> = { partition: required(anyText), offset: required(anyText) }

/** The monitor page, and what it reads and does. */
export function watchRoutes(watch: Watch): readonly Route[] {
  return [...pageRoutes, ...readRoutes(watch), ...actionRoutes(watch)]
}

function readRoutes({
  instance,
  overview,
  live,
  topology,
  objects: found,
  letters: log,
  warnings,
}: Watch): readonly Route[] {
  const read = (path: string, answer: (call: Call) => unknown): Route => ({
    method: 'GET',
    path,
    access: 'read',
    handle: async (call) => json(await answer(call)),
  })
  return [
    read('/api/topology', () => topology),
    read('/api/instance', () => instance.report),
    read('/api/overview', () => overview.snapshot()),
    { method: 'GET', path: '/api/live', access: 'read', handle: (call) => eventStream(call, live.events(call.signal)) },
    read('/api/objects', (call) => {
      const { limit, here: own, prefix = '', after, ...query } = queryOf('/api/objects', call, objects)
      return found.list({ ...query, prefix, after, limit: numberIn('limit', limit, listed, mostListed) }, isHere(own))
    }),
    read('/api/object', (call) => {
      const query = queryOf('/api/object', call, object)
      return found.detail(query.kind, query.key, isHere(query.here))
    }),
    read('/api/quarantined', (call) => {
      const { limit, here: own } = queryOf('/api/quarantined', call, here)
      return found.quarantined(numberIn('limit', limit, mostListed, mostListed), isHere(own))
    }),
    read('/api/letters', (call) => {
      const { limit, ...query } = queryOf('/api/letters', call, letters)
      return log.page({ ...query, limit: numberIn('limit', limit, lettersListed, mostLetters) }, call.signal)
    }),
    read('/api/letter', (call) => {
      const { partition, offset } = queryOf('/api/letter', call, letter)
      const place = [numberIn('partition', partition, 0, 1e9), numberIn('offset', offset, 0, 2 ** 53 - 1)] as const
      return log.detail(...place, call.signal)
    }),
    read('/api/warnings', (call) => warnings.list(isHere(queryOf('/api/warnings', call, here).here))),
  ]
}

const isHere = (here: string | undefined): boolean => here !== undefined
