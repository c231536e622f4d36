import { idleClock } from '../../lib/core/clock.js'
import { silentLogger } from '../../lib/core/logger.js'
import { HttpServer } from '../../lib/http/node/http-server.js'
import { resolveHttp } from '../../lib/http/options.js'
import { Queries } from '../../lib/query/queries.js'
import { queryRoutes } from '../../lib/query/routes.js'
import { Instance, type InstanceOptions } from '../instances.js'

/** A process of an app that answers queries, and can be killed. */
export class AskedInstance extends Instance {
  readonly queries: Queries
  readonly #server: HttpServer

  constructor(options: InstanceOptions) {
    let server: HttpServer | undefined = undefined
    super({ ...options, engine: { ...options.engine, http: () => server?.url } })
    this.queries = new Queries(this.engine, { token: undefined })
    this.#server = server = new HttpServer({
      http: resolveHttp({ port: 0 }),
      routes: () => queryRoutes(this.queries),
      clock: idleClock,
      logger: silentLogger,
    })
    void this.life.death.then(() => server?.close())
  }

  async start(): Promise<void> {
    await this.#server.open()
    await this.engine.start()
  }

  async stop(): Promise<void> {
    this.spare()
    await this.engine.stop(5_000)
    await this.#server.close()
  }
}
