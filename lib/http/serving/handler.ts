import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { Access } from './access.js'
import { jsonOf } from '../body.js'
import { Calls } from './calls.js'
import { errorAnswer, HttpError, statusOf } from '../http-error.js'
import type { HttpContext, HttpHandler, Route } from '../route.js'
import { Router } from './router.js'
import { secured } from './secured.js'

export interface HandlerOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  readonly clock: Clock
  readonly logger: Logger
}

/** Characters of a URL. */
const maxUrl = 8_192

/** Answers by routes. */
export class RouteHandler {
  readonly #options: HandlerOptions
  readonly #router: Router
  readonly #calls: Calls

  constructor(options: HandlerOptions) {
    this.#options = options
    this.#router = new Router(options.routes)
    this.#calls = new Calls(options.clock)
  }

  readonly handle: HttpHandler = async (request, context = {}) => {
    let answer: Response
    try {
      answer = await this.#answer(request, context)
    } catch (error) {
      if (statusOf(error) === 500) this.#tellOf(error, request)
      answer = errorAnswer(error)
    }
    if (request.method === 'HEAD' && answer.body !== null) answer = bodiless(answer)
    return secured(answer)
  }

  async #answer(request: Request, context: HttpContext): Promise<Response> {
    if (request.url.length > maxUrl)
      throw new HttpError(414, 'REQUEST_INVALID', `the URL has more than ${maxUrl} characters, which is the limit`)
    const url = new URL(request.url)
    const { route, params } = this.#router.find(request.method, pathUnder(context.path, url.pathname))
    this.#options.access.demand(route.access, request, url, context)
    return this.#calls.run(request, route.access === 'open', (signal) =>
      route.handle({ request, params, query: url.searchParams, signal, json: () => jsonOf(request) }),
    )
  }

  #tellOf(error: unknown, { method }: Request): void {
    const code = MillraceError.is(error) ? error.code : undefined
    this.#options.logger.warn({ err: error, code }, `a ${method} request could not be answered: ${reasonOf(error)}`)
  }

  /** Ends streams, and what is under way. */
  close(): void {
    this.#calls.close()
  }
}

/** What is left of a path below where the handler is mounted. Throws `REQUEST_INVALID` for one beside it. */
function pathUnder(mount: string | undefined, path: string): string {
  const prefix = (mount ?? '').replace(/\/+$/, '')
  if (path === prefix) return '/'
  if (path.startsWith(`${prefix}/`)) return path.slice(prefix.length)
  throw new HttpError(404, 'REQUEST_INVALID', `the handler is mounted at ${prefix}, and this path is beside it`)
}

function bodiless(answer: Response): Response {
  void answer.body?.cancel().catch(() => undefined)
  return new Response(null, { status: answer.status, headers: answer.headers })
}
