import { idleClock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { Connections } from '../connect/running/connections.js'
import type { ResolvedHttp } from '../http/options.js'
import type { Graph } from '../model/graph/graph.js'
import type { Engine } from '../runtime/engine.js'
import type { Warnings } from '../watch/overview/warnings.js'
import { Watch } from '../watch/watch.js'
import { replayDeadLetters } from './replay.js'

/** What of an app is looked at. */
export interface Watched {
  readonly engine: Engine
  readonly connections: Connections
  readonly graph: Graph
  readonly warnings: Warnings
  readonly logger: Logger
  readonly http: ResolvedHttp
}

/** What the monitor page shows of an app, and does to it. */
export function watchOf({ engine, connections, graph, warnings, logger, http }: Watched): Watch {
  const { app: id, log } = engine.options
  return new Watch({
    engine,
    connected: connections,
    graph,
    warnings,
    replay: (selection) => replayDeadLetters({ id, log, logger, ...selection }),
    clock: idleClock,
    token: http.token,
  })
}
