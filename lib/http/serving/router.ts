import { HttpError } from '../http-error.js'
import type { Route } from '../route.js'

interface Pattern {
  readonly route: Route
  readonly segments: readonly string[]
}

export interface Match {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Finds what answers a path. */
export class Router {
  readonly #patterns: readonly Pattern[]

  constructor(routes: readonly Route[]) {
    const patterns = routes.map((route) => ({ route, segments: route.path.split('/').slice(1) }))
    this.#patterns = patterns.sort((one, other) => weight(one) - weight(other) || compare(one.segments, other.segments))
  }

  /**
   * The route for a path as it is in a URL, still percent-encoded. A slash at its end is an empty last segment, where something takes
   * one, and nothing otherwise. Throws `REQUEST_INVALID`: 400, 404, 405.
   */
  find(method: string, path: string): Match {
    const segments = path.split('/').slice(1).map(decoded)
    const fitting = this.#fitting(segments)
    const found = fitting.length === 0 && segments.at(-1) === '' ? this.#fitting(segments.slice(0, -1)) : fitting
    if (found.length === 0)
      throw new HttpError(404, 'REQUEST_INVALID', 'there is nothing at this path; docs/http.md lists what there is')
    const match = found.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method))
    if (match !== undefined) return match
    const allowed = [
      ...new Set(found.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))),
    ]
    const message = `this path does not take ${method.slice(0, 20)}; it takes ${allowed.join(', ')}`
    throw new HttpError(405, 'REQUEST_INVALID', message, { headers: { allow: allowed.join(', ') } })
  }

  #fitting(segments: readonly string[]): readonly Match[] {
    return this.#patterns.flatMap(({ route, segments: pattern }) => {
      const params = paramsIn(pattern, segments)
      return params === undefined ? [] : [{ route, params }]
    })
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    const what = 'the path holds % without two hexadecimal digits of UTF-8 behind it; percent-encode each segment'
    throw new HttpError(400, 'REQUEST_INVALID', what)
  }
}

function paramsIn(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const rests = pattern.at(-1) === '*'
  if (rests ? segments.length < pattern.length : segments.length !== pattern.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i] ?? ''
    if (part === '*') params['*'] = segments.slice(i).join('/')
    else if (part.startsWith(':')) params[part.slice(1)] = segment
    else if (part !== segment) return undefined
  }
  return params
}

const weight = ({ segments }: Pattern): number => (segments.at(-1) === '*' ? 1 : 0)

const rank = (segment: string | undefined): number =>
  segment === undefined || segment === '*' ? 2 : segment.startsWith(':') ? 1 : 0

/** What says more first. */
function compare(one: readonly string[], other: readonly string[]): number {
  const length = Math.max(one.length, other.length)
  for (let i = 0; i < length; i++) {
    const difference = rank(one[i]) - rank(other[i])
    if (difference !== 0) return difference
  }
  return 0
}
