import type { Clock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import { Access } from '../serving/access.js'
import { RouteHandler } from '../serving/handler.js'
import { Listener, type ListenerLimits } from './listener.js'
import type { ResolvedHttp } from '../options.js'
import type { HttpHandler, Route } from '../route.js'

export interface HttpServerOptions {
  readonly http: ResolvedHttp
  /** Asked for once. */
  readonly routes: () => readonly Route[]
  readonly clock: Clock
  readonly logger: Logger
  /** Whose it is: what another instance means for somebody else is refused. */
  readonly instance?: string | undefined
  /** @default those of the listener */
  readonly limits?: ListenerLimits | undefined
}

/** What an app answers over HTTP, with a listener or without. */
export class HttpServer {
  readonly #options: HttpServerOptions
  #answers: RouteHandler | undefined
  #listener: Listener | undefined
  #closed = false

  constructor(options: HttpServerOptions) {
    this.#options = options
  }

  readonly handler: HttpHandler = (request, context) => this.#routes.handle(request, context)

  /** Where others reach this process: told by its options, or where it listens. */
  get url(): string | undefined {
    return this.#options.http.advertised ?? this.#listener?.url
  }

  /** Listens, if it is to. Rejects with `LISTEN_FAILED`. */
  async open(): Promise<void> {
    const { http, clock, logger, limits } = this.#options
    const { port } = http
    if (port === undefined) return
    const listener = await Listener.open({ ...http, port }, this.handler, clock, logger, limits)
    if (this.#closed) await listener.close()
    else this.#listener = listener
  }

  /** Ends its streams, and listens no more. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    this.#answers?.close()
    await this.#listener?.close()
  }

  get #routes(): RouteHandler {
    const { http, routes, clock, logger, instance } = this.#options
    const access = new Access(http, clock, () => this.url)
    return (this.#answers ??= new RouteHandler({ routes: routes(), access, clock, logger, instance }))
  }
}
