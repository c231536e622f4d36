import type { Clock } from '../core/clock.js'
import { deadLetterTopic } from '../model/names.js'
import type { Engine } from '../runtime/engine.js'
import { Actions, type Replay } from './objects/actions.js'
import { Letters } from './objects/letters.js'
import { LocalObjects } from './objects/local-objects.js'
import { Objects } from './objects/objects.js'
import { standings } from './objects/standings.js'
import { Instance, type Connected } from './overview/instance.js'
import { Live } from './overview/live.js'
import { Overview } from './overview/overview.js'
import { Peers } from './overview/peers.js'
import type { Topology } from './overview/shapes.js'
import { topologyOf } from './overview/topology.js'
import type { Graph } from '../model/graph/graph.js'
import { AllWarnings } from './overview/all-warnings.js'
import type { Warnings } from './overview/warnings.js'

export interface WatchOptions {
  readonly engine: Engine
  readonly connected: Connected
  readonly graph: Graph
  readonly warnings: Warnings
  readonly replay: Replay
  readonly clock: Clock
  /** Of the app: other instances demand it too. */
  readonly token: string | undefined
}

/** All that can be seen of an app, and done to it, from one of its instances. */
export class Watch {
  readonly instance: Instance
  readonly overview: Overview
  readonly live: Live
  readonly topology: Topology
  readonly local: LocalObjects
  readonly objects: Objects
  readonly letters: Letters
  readonly actions: Actions
  readonly warnings: AllWarnings

  constructor({ engine, connected, graph, warnings, replay, clock, token }: WatchOptions) {
    const { app, log } = engine.options
    const peers = new Peers({ engine, clock, token })
    const local = new LocalObjects(engine)
    this.instance = new Instance({ engine, connected, clock })
    this.overview = new Overview(this.instance, peers, clock)
    this.live = new Live(this.overview, clock)
    this.topology = topologyOf(graph)
    this.local = local
    this.objects = new Objects(local, peers)
    this.letters = new Letters(log, app, deadLetterTopic(app), (objects) => standings(local, peers, objects), clock)
    this.actions = new Actions(engine, local, this.objects, replay)
    this.warnings = new AllWarnings(warnings, peers)
  }
}
