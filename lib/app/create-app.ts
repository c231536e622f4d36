import { randomUUID } from 'node:crypto'
import { systemClock } from '../core/clock.js'
import { durationMs } from '../core/duration.js'
import { checkConnectors, Connections, describeConnectors, writtenBySources } from '../connect/running/connections.js'
import { checkOptions, duration, type Rules } from '../core/options.js'
import { MillraceError } from '../core/errors.js'
import { describing, stderrLogger, unfailing, type Logger } from '../core/logger.js'
import { HttpServer } from '../http/node/http-server.js'
import type { HttpHandler } from '../http/route.js'
import { ownFacts, systemBootId } from '../log/joining/process-facts.js'
import { kafkaLog } from '../kafka/kafka-log.js'
import { connectorGraph } from '../connect/running/connector-graph.js'
import { describeGraph } from '../model/graph/describe.js'
import { graphOf } from '../model/graph/graph.js'
import { demandForeignTopics, program } from '../model/program.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { DeepReadonly } from '../model/deep-readonly.js'
import { Queries, type Owner } from '../query/queries.js'
import type { ReadOptions } from '../query/read-options.js'
import type { Change } from '../query/watch/changes.js'
import type { WatchOptions, WatchPrefix } from '../query/watch/watching.js'
import { demandKind } from '../runtime/state-reader.js'
import { drained } from '../runtime/drain.js'
import { Engine } from '../runtime/engine.js'
import { kindName, quarantined, release } from '../runtime/quarantine.js'
import { waitingTurns } from '../runtime/waiting-turns.js'
import { Warnings } from '../watch/overview/warnings.js'
import { levelFolder } from '../store/level/level-folder.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import { AppTelemetry } from '../watch/metrics/app-telemetry.js'
import { Metrics } from '../watch/metrics/metrics.js'
import { inspector } from './inspector.js'
import { asPort } from './logs.js'
import { routesOf } from './routes.js'
import { secretsIn } from './secrets.js'
import { watchOf } from './watching.js'
import type { App, CloseOptions, Drained, QueriesOf, StateOf, StateReader } from './app.js'
import { asChild, childOrders, parentOf, type TellParent } from './life/parent.js'
import { run, runOptions, type RunOptions } from './life/run.js'
import { resolveOptions, type AppOptions } from './options.js'
import { eachUntilStopped, readerOf, untilStopped } from './until-stopped.js'

const closeTimeoutMs = 10_000
const closeOptions: Rules<CloseOptions> = { timeout: duration }

/**
 * Puts an app together; nothing is connected before `start()`.
 * Throws `OPTIONS_INVALID` and `DEFINITION_INVALID` at once.
 */
export function createApp(options: AppOptions): App {
  const { http } = resolveOptions(options)
  const orders = childOrders()
  return putTogether(asChild(options, orders), (url) => parentOf(orders, http, url))
}

function putTogether(options: AppOptions, parentFor: (url: () => string | undefined) => TellParent | undefined): App {
  const { http: httpOptions, ...resolved } = resolveOptions(options)
  const { dataDir } = resolved
  const connectors = { sources: options.sources ?? [], sinks: options.sinks ?? [] }
  checkConnectors(options.id, connectors)
  const written = writtenBySources(connectors)
  const definition = program(options.objects ?? [], options.flows ?? [], options.lookups, written)
  demandForeignTopics(options.id, definition)
  const startId = randomUUID()
  const facts = ownFacts()
  const instance = options.instanceId ?? startId.slice(0, 8)
  const warnings = new Warnings(systemClock, instance, secretsIn(options))
  const logger = warnings.over(options.logger ?? stderrLogger)
  const own = options.kafka === undefined ? undefined : kafkaLog(options.kafka, { logger })
  const log = own ?? asPort(options.log)
  const parts = (app: App, onFailure: (error: unknown) => void): Parts => {
    const engine = new Engine(
      {
        ...resolved,
        app: options.id,
        program: definition,
        log,
        openFolder: () =>
          dataDir === undefined ? Promise.resolve(memoryFolder()) : levelFolder({ dataDir, app: options.id }),
        clock: systemClock,
        logger,
        instanceId: options.instanceId,
        process: facts,
        rehearses: false,
        bootId: systemBootId(),
        startId,
        instance,
        http: () => http.url,
        tracer: () => telemetry.tracer,
      },
      onFailure,
    )
    const connections = new Connections(
      {
        ...resolved,
        app: options.id,
        log,
        clock: systemClock,
        logger: describing(unfailing(logger)),
        instanceId: options.instanceId,
        process: facts,
        onFailure: (error) => engine.fail(error),
      },
      connectors,
    )
    const telemetry: AppTelemetry = new AppTelemetry(options.telemetry, () => metrics.source)
    const metrics = new Metrics({
      app: options.id,
      version: options.version ?? '',
      engine,
      connectors: () => connections,
    })
    const queries = new Queries(engine, httpOptions)
    const http = new HttpServer({
      http: httpOptions,
      routes: () =>
        routesOf({
          app,
          watch: watchOf({ engine, connections, graph, warnings, logger, http: httpOptions }),
          metrics,
          engine,
          queries,
          http: httpOptions,
        }),
      clock: systemClock,
      logger: describing(unfailing(logger)),
      instance,
    })
    const tellParent = parentFor(() => http.url)
    return { engine, queries, connections, metrics, telemetry, http, tellParent }
  }
  const graph = graphOf(options.id, definition, connectorGraph(options.id, connectors))
  const description = [describeGraph(graph), ...describeConnectors(options.id, connectors)]
  const app = new RunningApp(parts, () => own?.[Symbol.asyncDispose](), description.join('\n'), logger)
  inspector()?.made({ app, options, program: definition, graph })
  return app
}

/** What an app is made of. */
interface Parts {
  readonly engine: Engine
  readonly queries: Queries
  readonly connections: Connections
  readonly metrics: Metrics
  readonly telemetry: AppTelemetry
  readonly http: HttpServer
  /** `millrace run`, if that has started this process. */
  readonly tellParent: TellParent | undefined
}

class RunningApp implements App {
  readonly #engine: Engine
  readonly #queries: Queries
  readonly #connections: Connections
  readonly #metrics: Metrics
  readonly #telemetry: AppTelemetry
  readonly #http: HttpServer
  readonly #tellParent: TellParent | undefined
  readonly #disposeLog: () => PromiseLike<void> | undefined
  readonly #description: string
  readonly #logger: Logger
  #started: Promise<void> | undefined
  #running: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #closed: Promise<void>
  /** Somebody has asked, and gets to know what has stopped the app, or has closed it. */
  #isHeard = false
  #settle: { resolve: () => void; reject: (error: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  }

  constructor(
    parts: (app: App, onFailure: (error: unknown) => void) => Parts,
    disposeLog: () => PromiseLike<void> | undefined,
    description: string,
    logger: Logger,
  ) {
    const { engine, queries, connections, metrics, telemetry, http, tellParent } = parts(this, () => this.#failed())
    this.#engine = engine
    this.#queries = queries
    this.#connections = connections
    this.#metrics = metrics
    this.#telemetry = telemetry
    this.#http = http
    this.#tellParent = tellParent
    this.#disposeLog = disposeLog
    this.#description = description
    this.#logger = describing(unfailing(logger))
    this.#closed = new Promise((resolve, reject) => (this.#settle = { resolve, reject }))
  }

  start(): Promise<void> {
    const looking = inspector()
    if (looking !== undefined) return looking.starting(this)
    if (this.#closing !== undefined)
      return this.#telling(async () => {
        throw new MillraceError('APP_CLOSED', 'the app has been closed; make a new one with createApp')
      })
    this.#started ??= this.#telling(() => this.#start())
    return this.#started
  }

  run(options: RunOptions = {}): Promise<void> {
    checkOptions('run', options, runOptions)
    const tool = inspector()
    if (tool !== undefined) return tool.starting(this)
    if (this.#running === undefined && this.#closing !== undefined) return this.start()
    this.#running ??= run(this, options, this.#logger, this.#tellParent !== undefined)
    return this.#running
  }

  /** Probes are answered from the first, and the group is told where. What comes from outside finds all that reads it running. */
  async #start(): Promise<void> {
    try {
      await this.#telemetry.begin()
      await this.#http.open()
      this.#tellParent?.({})
    } catch (error) {
      this.#engine.fail(error)
      throw error
    }
    if (this.#closing !== undefined) throw new MillraceError('APP_CLOSED', 'the app was closed while it was starting')
    await this.#engine.start()
    try {
      await this.#connections.start()
    } catch (error) {
      this.#engine.fail(error)
    }
    if (this.#engine.failure !== undefined) throw this.#engine.failure.error
    if (this.#closing !== undefined) throw new MillraceError('APP_CLOSED', 'the app was closed while it was starting')
    this.#tellParent?.({ running: true })
  }

  /** Whoever is waiting for this has heard of the error that stops the app. */
  async #telling<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await untilStopped(this.#engine, ask)
    } catch (error) {
      if (this.#engine.failure !== undefined) this.#isHeard = true
      throw error
    }
  }

  /** Whoever has called `close` goes on to the end by themselves, and reads in the log what it met with. */
  #failed(): void {
    if (this.#closing !== undefined) this.#isHeard = true
    void this.close()
  }

  close(options: CloseOptions = {}): Promise<void> {
    checkOptions('close', options, closeOptions)
    this.#closing ??= this.#close(durationMs(options.timeout ?? closeTimeoutMs, 'timeout'))
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    const end = systemClock.elapsed() + timeoutMs
    const left = (): number => Math.max(0, end - systemClock.elapsed())
    // What does not end leaves time for what comes after it.
    await within(left() / 2, this.#connections.closeSources())
    await this.#engine.stop(this.#connections.hasSinks ? (left() * 2) / 3 : left())
    await within(left(), this.#connections.closeSinks())
    await this.#disposeLog()
    // Last, so that probes hear to the end what it is doing.
    await this.#http.close()
    this.#metrics.end()
    this.#telemetry.end()
    const { failure } = this.#engine
    if (failure === undefined) return this.#settle.resolve()
    // Without anybody who hears of it this is an unhandled rejection, which ends the process: better than one that seems to be well.
    if (this.#isHeard) this.#closed.catch(() => undefined)
    this.#settle.reject(failure.error)
  }

  closed(): Promise<void> {
    this.#isHeard = true
    return this.#closed
  }

  drained(): Promise<Drained> {
    return this.#telling(async () => {
      await drained(this.#engine, undefined, true)
      return { waiting: await waitingTurns(this.#engine) }
    })
  }

  state<O extends AnyStateObject>(kind: O, options?: ReadOptions): StateReader<StateOf<O>, QueriesOf<O>> {
    const reader = readerOf(this.#engine, this.#queries, kind, options)
    return reader as unknown as StateReader<StateOf<O>, QueriesOf<O>>
  }

  owner(kind: AnyStateObject | string, key: string): Promise<Owner> {
    return untilStopped(this.#engine, () => this.#queries.owner(kind, key))
  }

  watch<O extends AnyStateObject>(
    kind: O,
    keyOrPrefix: string | WatchPrefix,
    options?: WatchOptions,
  ): AsyncIterable<Change<DeepReadonly<StateOf<O>>>> {
    demandKind(kind)
    return this.#queries.watch(kind, keyOrPrefix, options) as AsyncIterable<Change<DeepReadonly<StateOf<O>>>>
  }

  quarantined(): ReturnType<App['quarantined']> {
    return eachUntilStopped(this.#engine, quarantined(this.#engine))
  }

  release(kind: AnyStateObject | string, key: string): Promise<boolean> {
    return untilStopped(this.#engine, async () => release(this.#engine, kindName(kind), key))
  }

  health(): ReturnType<App['health']> {
    return { ...this.#engine.health, connectors: this.#connections.health }
  }

  onStateChange(listener: Parameters<App['onStateChange']>[0]): () => void {
    return this.#engine.watch.states.onChange(listener)
  }

  onRestore(listener: Parameters<App['onRestore']>[0]): () => void {
    return this.#engine.watch.restore.onReport(listener)
  }

  stats(): ReturnType<App['stats']> {
    return { ...this.#engine.stats, connectors: this.#connections.stats }
  }

  metrics(): Promise<string> {
    return this.#metrics.text()
  }

  describe(): string {
    return this.#description
  }

  get handler(): HttpHandler {
    return this.#http.handler
  }

  get http(): App['http'] {
    const { url } = this.#http
    return url === undefined ? undefined : { url }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Waits for it, so long at most. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  await Promise.race([work, systemClock.sleep(ms, done.signal)])
  done.abort()
}
