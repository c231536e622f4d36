import type { Route } from '../http/route.js'
import type { ResolvedHttp } from '../http/options.js'
import type { Engine } from '../runtime/engine.js'
import type { Queries } from '../query/queries.js'
import { queryRoutes } from '../query/routes.js'
import type { Metrics } from '../watch/metrics/metrics.js'
import { probeRoutes } from '../watch/probes.js'
import { watchRoutes } from '../watch/routes.js'
import type { Watch } from '../watch/watch.js'
import type { App } from './app.js'

/** What the rooms answer from. */
export interface Answering {
  readonly app: App
  readonly watch: Watch
  readonly engine: Engine
  readonly metrics: Metrics
  readonly queries: Queries
  /** Its token is for asking other instances, and is shown nowhere. */
  readonly http: ResolvedHttp
}

/** Everything that an app answers over HTTP: each room gives its own routes. */
export function routesOf({ app, watch, engine, metrics, queries }: Answering): readonly Route[] {
  return [
    ...probeRoutes(
      () => app.health(),
      () => engine.failure,
    ),
    ...metrics.routes,
    ...watchRoutes(watch),
    ...queryRoutes(queries),
  ]
}
