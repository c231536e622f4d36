import type { ConnectorHealth, ConnectorStats } from '../../connect/runner.js'
import type { Clock } from '../../core/clock.js'
import type { Engine } from '../../runtime/engine.js'
import type { Parts } from '../../runtime/parts.js'
import { lagsOf } from '../readings/lag.js'
import { figuresOf } from './figures.js'
import type { ConnectorReport, InstanceReport, TaskReport } from './shapes.js'

/** Sources and sinks of this process. */
export interface Connected {
  readonly health: readonly ConnectorHealth[]
  readonly stats: readonly ConnectorStats[]
}

export interface InstanceOptions {
  readonly engine: Engine
  readonly connected: Connected
  readonly clock: Clock
}

/** Tells how this process is. */
export class Instance {
  readonly #options: InstanceOptions
  readonly #startedAt: number

  constructor(options: InstanceOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
  }

  get name(): string {
    return this.#options.engine.options.instance
  }

  get report(): InstanceReport {
    const { engine, connected, clock } = this.#options
    const { app, instance, version } = engine.options
    const { live, ready, state, reason, lag, paused, needsOperator } = engine.health
    const { records, turns, failed, deadLetters, skipped, quarantined, commits, rollbacks, restoredRecords } =
      engine.stats
    const parts = runningParts(engine)
    return {
      app,
      instance,
      version,
      node: process.version,
      pid: process.pid,
      startedAt: this.#startedAt,
      now: clock.now(),
      health: { live, ready, state, reason, lag, paused: paused.map(({ input }) => input), needsOperator },
      counts: { records, turns, failed, deadLetters, skipped, quarantined, commits, rollbacks, restoredRecords },
      tasks: tasksIn(engine, parts, clock.now()),
      restoring: engine.watch.restoring,
      standbys: standbysIn(parts),
      connectors: connectorsIn(connected),
      ...figuresOf(engine),
      memoryBytes: process.memoryUsage.rss(),
    }
  }
}

/** Undefined before it runs, and when it has stopped: then there is less to tell. */
function runningParts(engine: Engine): Parts | undefined {
  try {
    return engine.parts
  } catch {
    return undefined
  }
}

function tasksIn(engine: Engine, parts: Parts | undefined, now: number): readonly TaskReport[] {
  const running = [...(parts?.tasks.running.values() ?? [])].sort((a, b) => a.index - b.index)
  const lags = parts === undefined ? [] : lagsOf(engine.watch, now)
  const seconds = new Map(lags.map((lag) => [`${lag.topic}/${lag.partition}`, lag.seconds]))
  return running.map(({ index, agenda, positions }) => ({
    task: index,
    quarantined: agenda?.quarantines.size ?? 0,
    partitions: Array.from(positions, ([topic, position]) => ({
      topic,
      position,
      end: engine.watch.endOf(topic, index),
      lagSeconds: seconds.get(`${topic}/${index}`),
    })),
  }))
}

function standbysIn(parts: Parts | undefined): InstanceReport['standbys'] {
  if (parts === undefined) return []
  const current = new Set(parts.standbys.current)
  return parts.standbys.tasks.map((task) => ({ task, isCurrent: current.has(task) }))
}

function connectorsIn({ health, stats }: Connected): readonly ConnectorReport[] {
  return health.map(({ kind, name, connector, state, reason }) => {
    const found = stats.find((each) => each.kind === kind && each.name === name)
    const { records = 0, deadLetters = 0, lag } = found ?? {}
    const sum = lag && [...lag.values()].reduce((all, each) => all + each, 0)
    return { kind, name, connector, state, reason, records, deadLetters, lag: sum }
  })
}
