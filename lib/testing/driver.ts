import { types } from 'node:util'
import { systemClock } from '../core/clock.js'
import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { anything, callback, checkOptions, oneOf, rule, whole, type Rules, shown } from '../core/options.js'
import { silentLogger, type Logger } from '../core/logger.js'
import { latestTimeMs } from '../core/record-checks.js'
import type { Headers } from '../core/record.js'
import { partitionOfKey } from '../log/murmur2.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { demandForeignTopics, program } from '../model/program.js'
import type { StateOf } from '../app/app.js'
import { appRules, defaultMaxRecordBytes } from '../app/options.js'
import { replayDeadLetters, type ReplayReport } from '../app/replay.js'
import type { LookupTable } from '../model/lookup.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Flow, Topic } from '../model/stream.js'
import { drained } from '../runtime/drain.js'
import type { Guarantee, Stats } from '../runtime/setup/engine-options.js'
import { Engine } from '../runtime/engine.js'
import { sessionOf, type Sessions } from '../turn/windows/sessions.js'
import { parseWindowKey } from '../turn/windows/windows.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'
import { crashSteps, Life, type CrashStep } from './life.js'
import { TopicTail } from './topic-tail.js'

export interface TestDriverOptions {
  readonly objects?: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
  /** What is sent to their topics is seen by what is sent next. */
  readonly lookups?: readonly LookupTable<unknown>[]
  /** Of every topic. @default 4 */
  readonly partitions?: number
  /** @default 'exactly-once' */
  readonly guarantee?: Guarantee
  /**
   * `every-record`: each turn runs twice, first on a copy of its object, and must come to the same; a handler that goes by the
   * clock or by chance is found so. @default 'none'
   */
  readonly replay?: 'none' | 'every-record'
  /** What the clock shows at the beginning; `advance` moves it. @default the beginning of 2026, UTC */
  readonly now?: Date | number
  /** @default silent */
  readonly logger?: Logger
}

export interface SendOptions {
  /** @default null */
  readonly key?: string | null
  /** Milliseconds since the epoch. @default the driver's clock */
  readonly timestamp?: number
}

/** What the values that are sent together have in common. */
export interface SendAllOptions<V> {
  /** @default none */
  readonly key?: (value: V) => string | null
}

const { objects, flows, lookups, guarantee, logger } = appRules
const driverOptions: Rules<TestDriverOptions> = {
  objects,
  flows,
  lookups,
  partitions: whole(1, 10_000),
  guarantee,
  replay: oneOf('none', 'every-record'),
  now: rule('a Date, or milliseconds since 1970', (value) => timeOf(value) !== undefined),
  logger,
}
const sendOptions: Rules<SendOptions> = { key: anything, timestamp: anything }
const sendAllOptions: Rules<SendAllOptions<never>> = { key: callback('a function that gives the key, or null') }

/** A record of an output topic. */
export interface OutputRecord<V> {
  readonly key: string | null
  /** Null for a tombstone. */
  readonly value: V | null
  readonly timestamp: number
  readonly headers: Headers
}

/** Your real definitions on the embedded log, with a clock you move by hand. Every call resolves when all is committed. */
export interface TestDriver extends AsyncDisposable {
  /** Appends a value (null: a tombstone) and processes it and all that follows from it. Rejects with what stops the app. */
  send<V>(target: Topic<V>, value: NoInfer<V> | null, options?: SendOptions): Promise<void>
  /** The same for many values at once. */
  sendAll<V>(target: Topic<V>, values: Iterable<NoInfer<V>>, options?: SendAllOptions<V>): Promise<void>
  /** Moves the clock. */
  advance(by: Duration): Promise<void>
  /**
   * Stops as `kill -9` would and starts again from what survived: now, or, with a step, when the next commit comes to
   * that step.
   */
  crash(at?: CrashStep): Promise<void>
  /** Sends the dead letters of turns back to their objects, as `replayDeadLetters` does. */
  replayDeadLetters(): Promise<ReplayReport>
  /** Loses the local state, as a lost disk would: the next crash restores from the changelogs. */
  loseDisk(): void
  /** A copy of an object's committed state; undefined when there is none. Of a windowed kind the key is `<key>|<start>|<end>`. */
  state<O extends AnyStateObject>(kind: O, key: string): StateOf<O> | undefined
  /** All committed records of a topic so far, in order per partition. */
  output<V>(target: Topic<V>): readonly OutputRecord<V>[]
  /** How often the app has died. */
  readonly crashes: number
  /** Counters since the last start. */
  stats(): Stats
}

/** Whole milliseconds of what may be a time; undefined when it is none. */
function timeOf(value: unknown): number | undefined {
  const ms = types.isDate(value) ? value.getTime() : value
  return typeof ms === 'number' && Math.abs(ms) <= latestTimeMs ? Math.floor(ms) : undefined
}

export function testDriver(options: TestDriverOptions): TestDriver {
  return new Driver(options)
}

const app = 'test'

/** With its log, for tests of what no typed topic can send. */
export class Driver implements TestDriver {
  readonly log: MemoryLog
  readonly #options: TestDriverOptions
  readonly #tail: TopicTail
  #folder: StoreFolder = memoryFolder()
  #nextFolder: StoreFolder | undefined
  #now: number
  #running: { readonly engine: Engine; readonly life: Life } | undefined
  #starts = 0
  crashes = 0

  constructor(options: TestDriverOptions) {
    checkOptions('testDriver', options, driverOptions)
    this.#options = options
    this.#now = timeOf(options.now) ?? Date.UTC(2026, 0, 1)
    // A broker goes by its clock when it looks at timestamps, and here that is the one that is moved by hand.
    this.log = memoryLog({ partitions: options.partitions ?? 4, clock: { ...systemClock, now: () => this.#now } })
    this.#tail = new TopicTail(this.log)
  }

  send<V>(target: Topic<V>, value: NoInfer<V> | null, options: SendOptions = {}): Promise<void> {
    checkOptions(`send to ${target.name}`, options, sendOptions)
    const { key = null, timestamp = this.#now } = options
    return this.#then(() => this.log.send<V>(target, [value], { key: () => key, timestamp: () => timestamp }))
  }

  sendAll<V>(target: Topic<V>, values: Iterable<NoInfer<V>>, options: SendAllOptions<V> = {}): Promise<void> {
    checkOptions(`sendAll to ${target.name}`, options, sendAllOptions)
    const { key = () => null } = options
    return this.#then(() => this.log.send<V>(target, values, { key, timestamp: () => this.#now }))
  }

  advance(by: Duration): Promise<void> {
    this.#now += durationMs(by, 'advance')
    return this.#then(() => Promise.resolve(this.#running?.engine.poke()))
  }

  async crash(at?: CrashStep): Promise<void> {
    const { life } = this.#running ?? (await this.#start())
    if (at !== undefined) return life.arm(demandStep(at))
    await life.die()
    await this.#settle()
  }

  async replayDeadLetters(): Promise<ReplayReport> {
    const report = await replayDeadLetters({ id: app, log: this.log })
    await this.#then(() => Promise.resolve())
    return report
  }

  loseDisk(): void {
    this.#nextFolder = memoryFolder()
  }

  state<O extends AnyStateObject>(kind: O, key: string): StateOf<O> | undefined {
    if (this.#running === undefined) return undefined
    const { tasks, topology } = this.#running.engine.parts
    const index = topology.kinds.indexOf(kind.definition)
    if (index < 0)
      throw new MillraceError('DEFINITION_INVALID', `state object '${kind.name}' was not given to this driver`, {
        kind: kind.name,
      })
    const { window } = kind.definition
    const ofKey = window === undefined ? key : parseWindowKey(key).key
    const table = tasks.running.get(partitionOfKey(ofKey, topology.stateTasks))?.state?.tables[index]
    const stored = window?.kind === 'session' ? ofKey : key
    const live = table?.cached(stored)?.state
    // A copy as another process would read it.
    const state =
      live === undefined ? table?.committedState(stored) : table?.stored.decode(stored, table.stored.encode(live))
    const object = window?.kind === 'session' ? sessionOf(state as Sessions | undefined, key) : state
    return object as StateOf<O> | undefined
  }

  output<V>(target: Topic<V>): readonly OutputRecord<V>[] {
    const { codec, keys } = target
    return this.#tail.of(target.name).map(({ key, value, timestamp, headers }) => ({
      get key() {
        return key === null ? null : keys.text(key, 0, key.length)
      },
      value: value === null ? null : codec.decode(value),
      timestamp,
      headers,
    }))
  }

  stats(): Stats {
    if (this.#running === undefined)
      throw new MillraceError('APP_CLOSED', 'the driver has not been used yet, so nothing was counted')
    return this.#running.engine.stats
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running?.life.arm(undefined)
    await this.#running?.engine.stop(1_000)
    await this.log[Symbol.asyncDispose]()
  }

  /** Does something while the app runs, and waits for all that follows from it. */
  async #then(action: () => Promise<void>): Promise<void> {
    if (this.#running === undefined) await this.#start()
    await action()
    await this.#settle()
  }

  /** Until everything is committed and stored, through as many deaths as it takes. */
  async #settle(): Promise<void> {
    for (;;) {
      const { engine, life } = this.#running ?? (await this.#start())
      const settled = quiet(engine)
        .then(() => engine.parts.lookups.caughtUp())
        .then(() => flushed(engine))
        .then(() => engine.parts.passage.turns.lookAtStates())
      const survived = await Promise.race([settled.then(() => true), life.death.then(() => false)])
      if (survived) break
      this.crashes++
      this.#running = undefined
    }
    await this.#tail.readOn()
  }

  async #start(): Promise<{ readonly engine: Engine; readonly life: Life }> {
    // The stores of the dead are closed for it: a memory store has no lock that dies with its owner.
    await this.#folder.close()
    this.#folder = this.#nextFolder ?? this.#folder
    this.#nextFolder = undefined
    const life = new Life()
    const { objects = [], flows = [], lookups = [], guarantee = 'exactly-once', logger = silentLogger } = this.#options
    const definition = program(objects, flows, lookups)
    demandForeignTopics(app, definition)
    const partitions = this.#options.partitions ?? 4
    const compacted = { 'cleanup.policy': 'compact' }
    const topics = [...definition.lookups, ...definition.sources, ...definition.targets].map((node) => ({
      name: node.name,
      partitions,
      replicationFactor: -1,
      configs: definition.lookups.includes(node) ? compacted : {},
    }))
    await this.log.admin.create(topics)
    const engine = new Engine(
      {
        app,
        program: definition,
        log: life.log(this.log),
        openFolder: () => Promise.resolve(life.folder(this.#folder)),
        clock: life.clock(() => this.#now),
        logger,
        guarantee,
        commitIntervalMs: 10,
        commitLingerMs: 0,
        sessionTimeoutMs: 10_000,
        instanceId: undefined,
        createTopics: true,
        replicationFactor: -1,
        cacheEntries: 10_000,
        standbyReplicas: 0,
        compression: 'gzip',
        version: undefined,
        rehearses: this.#options.replay === 'every-record',
        watchesStates: true,
        readsAgain: true,
        maxRecordBytes: defaultMaxRecordBytes,
        bootId: 'test',
        startId: String(++this.#starts),
      },
      () => undefined,
    )
    await engine.start()
    this.#running = { engine, life }
    return this.#running
  }
}

/** All is processed, also what the app has sent to topics that it reads itself. */
async function quiet(engine: Engine): Promise<void> {
  let before: number
  do {
    before = engine.stats.records
    await drained(engine)
  } while (engine.stats.records > before)
}

/** Writes everything committed to the local stores now, so that the next death finds them up to date. */
async function flushed({ parts }: Engine): Promise<void> {
  for (const { state } of parts.tasks.running.values()) await state?.flush()
}

function demandStep(step: CrashStep): CrashStep {
  if (crashSteps.includes(step)) return step
  const what = `crash: ${shown(step)} is no step of a commit; give one of ${crashSteps.join(', ')}, or nothing to crash now`
  throw new MillraceError('OPTIONS_INVALID', what)
}
