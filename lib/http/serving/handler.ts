import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { shown } from '../../core/options.js'
import type { Access } from './access.js'
import { jsonOf } from '../body.js'
import { Calls } from './calls.js'
import { errorAnswer, HttpError, statusOf } from '../http-error.js'
import { asksForLogin, loginPageAt, loginRoutes } from './login.js'
import { instanceHeader, instanceText } from '../peer-request.js'
import type { HttpContext, HttpHandler, Route } from '../route.js'
import { Router } from './router.js'
import { secured } from './secured.js'

export interface HandlerOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  readonly clock: Clock
  readonly logger: Logger
  /** Whose routes these are. */
  readonly instance?: string | undefined
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
    this.#router = new Router([...options.routes, ...(options.access.hasToken ? loginRoutes(options.access) : [])])
    this.#calls = new Calls(options.clock, (error) => this.#tellOf(error, 'a stream was broken off'))
  }

  readonly handle: HttpHandler = async (request, context) => {
    demandRequest(request)
    let answer: Response
    try {
      answer = await this.#answer(request, context ?? {})
    } catch (error) {
      if (statusOf(error) === 500 || isOfProgram(error))
        this.#tellOf(error, `a ${request.method} request could not be answered`)
      answer = errorAnswer(error)
    }
    if (request.method === 'HEAD' && answer.body !== null) answer = bodiless(answer)
    return secured(answer)
  }

  async #answer(request: Request, context: HttpContext): Promise<Response> {
    if (request.url.length > maxUrl)
      throw new HttpError(414, 'REQUEST_INVALID', `the URL has more than ${maxUrl} characters, which is the limit`)
    this.#demandMeant(request)
    const url = new URL(request.url)
    const path = pathUnder(context.path, url.pathname)
    // What the page loads is found beside it, so its path has to end with a slash.
    if (path === '') return new Response(null, { status: 308, headers: { location: `${url.pathname}/${url.search}` } })
    const { route, params } = this.#router.find(request.method, path)
    try {
      this.#options.access.demand(route.access, request, url, context)
    } catch (error) {
      if (asksForLogin(error, request)) return loginPageAt(path)
      throw error
    }
    return this.#calls.run(request, route.access === 'open', (signal) =>
      route.handle({ request, params, query: url.searchParams, signal, json: () => jsonOf(request) }),
    )
  }

  /** Another instance may ask at an address that is this one's for it, such as that of its own machine. */
  #demandMeant({ headers }: Request): void {
    const { instance } = this.#options
    const meant = headers.get(instanceHeader)
    if (meant === null || instance === undefined || meant === instanceText(instance)) return
    const what = `this is instance ${instanceText(instance)}, and ${meant.slice(0, 500)} was to be asked: its address leads here; give it an http: { advertised } at which others reach it`
    throw new HttpError(409, 'REQUEST_INVALID', what)
  }

  #tellOf(error: unknown, what: string): void {
    this.#options.logger.warn({ err: error }, `${what}: ${reasonOf(error)}`)
  }

  /** Ends streams, and what is under way. */
  close(): void {
    this.#calls.close()
  }
}

/** What a query of the program throws: whoever asked is not told what it was. */
const isOfProgram = (error: unknown): boolean => MillraceError.is(error) && error.code === 'QUERY_FAILED'

/** Throws `OPTIONS_INVALID` for what frameworks have beside it. */
function demandRequest(request: unknown): void {
  if (typeof (request as Partial<Request> | null | undefined)?.headers?.get === 'function') return
  const what = `app.handler: ${shown(request)} is no Request as fetch has it; for requests of node:http and what is built on it, give the server nodeHandler(app.handler)`
  throw new MillraceError('OPTIONS_INVALID', what)
}

/** What is left of a path below where the handler is mounted. Throws `REQUEST_INVALID` for one beside it. */
function pathUnder(mount: string | undefined, path: string): string {
  const prefix = (mount ?? '').replace(/\/+$/, '')
  if (path === prefix || path.startsWith(`${prefix}/`)) return path.slice(prefix.length)
  throw new HttpError(404, 'REQUEST_INVALID', `the handler is mounted at ${prefix}, and this path is beside it`)
}

function bodiless(answer: Response): Response {
  void answer.body?.cancel().catch(() => undefined)
  return new Response(null, { status: answer.status, headers: answer.headers })
}
