import type { Route } from '../http/route.js'
import type { Queries } from './queries.js'
import { stateRoutes } from './state-routes.js'
import { watchRoutes } from './watch-routes.js'

/** All that is asked of state over HTTP, by whomever: by people and programs, and by the other instances. */
export function queryRoutes(queries: Queries): readonly Route[] {
  return [...stateRoutes(queries), ...watchRoutes(queries), queries.peers]
}
