import { systemClock, type Clock } from '../lib/core/clock.js'
import { silentLogger, type Logger } from '../lib/core/logger.js'
import type { LogPort } from '../lib/log/port.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'
import { program } from '../lib/model/program.js'
import type { LookupTable } from '../lib/model/lookup.js'
import type { AnyStateObject } from '../lib/model/state-object.js'
import type { Flow } from '../lib/model/stream.js'
import type { EngineOptions } from '../lib/runtime/setup/engine-options.js'
import { Engine } from '../lib/runtime/engine.js'
import { memoryFolder } from '../lib/store/memory/memory-folder.js'
import type { StoreFolder } from '../lib/store/store.js'
import { Life, type CrashStep } from '../lib/testing/life.js'
import { Hearing } from './hearing.js'

export interface InstanceOptions {
  readonly app?: string
  readonly log: MemoryLog
  readonly objects?: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
  readonly lookups?: readonly LookupTable<unknown>[]
  /** What survives the process. @default an empty one */
  readonly folder?: StoreFolder
  /** Between the engine and its log. */
  readonly wrap?: (log: LogPort) => LogPort
  readonly logger?: Logger
  readonly engine?: Partial<EngineOptions>
  /** The time of day. @default the real one */
  readonly now?: () => number
  /** How late it hears of rounds and assignments. @default 0 */
  readonly newsMs?: number
}

let starts = 0

/** A process of an app on the embedded log, that can be killed. */
export class Instance {
  readonly engine: Engine
  readonly life = new Life()
  readonly folder: StoreFolder
  /** Set when the engine stopped by itself. */
  failure: { readonly error: unknown } | undefined
  readonly #log: MemoryLog
  readonly #group: MemoryLog
  readonly #hearing: Hearing
  readonly #app: string

  constructor(options: InstanceOptions) {
    const { app = 'words', log, wrap = (port: LogPort) => port, logger = silentLogger } = options
    this.#app = app
    this.#log = log
    this.#group = log.open()
    this.#hearing = new Hearing(this.#group, options.newsMs ?? 0)
    this.folder = options.folder ?? memoryFolder()
    this.engine = new Engine(
      {
        app,
        program: program(options.objects ?? [], options.flows ?? [], options.lookups),
        log: this.life.log(wrap(withJoin(log.open(), this.#hearing))),
        openFolder: () => Promise.resolve(this.life.folder(this.folder)),
        clock: busyClock(this.life.clock(options.now ?? systemClock.now)),
        logger,
        guarantee: 'exactly-once',
        commitIntervalMs: 10,
        commitLingerMs: 0,
        sessionTimeoutMs: 10_000,
        instanceId: undefined,
        createTopics: true,
        replicationFactor: -1,
        cacheEntries: 1_000,
        standbyReplicas: 0,
        compression: 'gzip',
        version: undefined,
        rehearses: false,
        maxRecordBytes: 1_000_000,
        bootId: 'test',
        startId: String(++starts),
        instance: `instance-${starts}`,
        ...options.engine,
      },
      (error) => {
        this.failure = { error }
        // As an app does.
        void this.engine.stop(1_000)
      },
    )
  }

  /** Dies now, or at a step of its next commit; its group does not notice before `bury`. */
  async kill(at?: CrashStep): Promise<void> {
    this.#hearing.deaf = true
    if (at === undefined) await this.life.die()
    else this.life.arm(at)
  }

  /** It will not die after all; or it is dead already. */
  spare(): void {
    this.life.arm(undefined)
    this.#hearing.deaf = false
  }

  /** The group notices that this process is dead, and its stores are free. */
  async bury(): Promise<void> {
    await this.#group[Symbol.asyncDispose]()
    await this.folder.close()
  }

  /** Resolves when it knows what its group has decided about it. */
  heard(): Promise<void> {
    return this.#hearing.heard()
  }

  /** Its session expires; it hears of it `lagMs` later, and believes until then to own its tasks. */
  expel(lagMs: number): void {
    const { memberId } = this.#hearing
    if (memberId === undefined) return
    this.#hearing.lagMs = lagMs
    this.#log.expel(this.#app, memberId)
  }
}

function withJoin(log: MemoryLog, hearing: Hearing): LogPort {
  return {
    kind: log.kind,
    get trouble() {
      return log.trouble
    },
    admin: log.admin,
    join: (options) => hearing.join(options),
    fetcher: (options) => log.fetcher(options),
    transactions: (options) => log.transactions(options),
    idempotent: () => log.idempotent(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}

/** A clock on which every look costs 2 ms: slices end in the middle of what was fetched, as under load. */
function busyClock(clock: Clock): Clock {
  let looks = 0
  return { ...clock, elapsed: () => clock.elapsed() + 2 * ++looks }
}
