import { systemClock, type Clock } from '../../lib/core/clock.js'
import { silentLogger, type Logger } from '../../lib/core/logger.js'
import { HttpServer } from '../../lib/http/node/http-server.js'
import { resolveHttp, type HttpOptions } from '../../lib/http/options.js'
import type { Route } from '../../lib/http/route.js'

/** Routes as an app answers them; listens when there is a port. */
export function answering(
  routes: readonly Route[],
  http: HttpOptions = {},
  { clock = systemClock, logger = silentLogger }: { readonly clock?: Clock; readonly logger?: Logger } = {},
): HttpServer {
  return new HttpServer({ http: resolveHttp(http), routes: () => routes, clock, logger })
}

/** As somebody on this machine asks. */
export const near = { remoteAddress: '127.0.0.1' }
