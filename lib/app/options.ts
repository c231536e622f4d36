import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import {
  anything,
  anyText,
  checkOptions,
  duration,
  duration32,
  flag,
  list,
  logger,
  object,
  oneOf,
  required,
  secret,
  text,
  whole,
  type Rules,
} from '../core/options.js'
import type { Sink } from '../connect/sink.js'
import type { Source } from '../connect/source.js'
import { resolveHttp, type HttpOptions, type ResolvedHttp } from '../http/options.js'
import type { KafkaOptions } from '../kafka/connection/options.js'
import type { Log } from '../log/port.js'
import { telemetryRule, type Telemetry } from '../watch/metrics/telemetry.js'
import { checkAppId } from '../model/names.js'
import type { LookupTable } from '../model/lookup.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Flow } from '../model/stream.js'
import type { Guarantee } from '../runtime/setup/engine-options.js'

/** What an app is, what it runs on, and how. Unknown keys are refused by name. */
export interface AppOptions {
  /** Names the consumer group, the changelogs, the transactions and the state directory. Choose it once: it is where state is found again. 1 to 100 letters, digits, `.`, `_` and `-`. */
  readonly id: string
  /** The kinds of state objects that it runs. */
  readonly objects?: readonly AnyStateObject[]
  /** Streams that are written to topics without state, made with `stream.to(topic)`. */
  readonly flows?: readonly Flow[]
  /** Tables that turns look rows up in; each instance keeps a whole copy of each in memory. */
  readonly lookups?: readonly LookupTable<unknown>[]
  /** Bring records from outside into topics: `source('orders', { into: orders, from: tcpSource({ listen: { port: 7000 }, frames: 'line' }) })`. */
  readonly sources?: readonly Source[]
  /** Take records of topics to the outside: `sink('rows', { from: rows, to: … })`. */
  readonly sinks?: readonly Sink[]
  /** Kafka: kafkajs's own connection options (brokers, ssl, sasl, clientId, …). */
  readonly kafka?: KafkaOptions
  /** Instead of `kafka`: a log that is open already, `memoryLog()` or `kafkaLog()`. It is not closed with the app. */
  readonly log?: Log
  /** What a crash may do to what is written, see `docs/guarantees.md`. @default 'exactly-once' */
  readonly guarantee?: Guarantee
  /** Where LevelDB lives. @default './.millrace'; on the embedded log, which dies with the process, state is in memory unless this is given. */
  readonly dataDir?: string
  /** The longest time between two commits while there is more input than can be processed at once. @default 100 */
  readonly commitInterval?: Duration
  /**
   * The least time between two commits. When nothing waits to be processed, a commit is made as soon as the last one has been
   * answered and is so long ago; or later, so that commits take no more than a tenth of a core. @default 10
   */
  readonly commitLinger?: Duration
  /** How long the group waits for a silent member. Heartbeats come from a timer, not from the record path. @default '15s' */
  readonly sessionTimeout?: Duration
  /** Static membership (KIP-345): a restart under the same id within the session time-out moves nothing. */
  readonly instanceId?: string
  /**
   * Members of the group that have died on this machine are never waited for where the system says for certain that they have
   * (Linux). With this, neither are those that only seem to have (macOS, Windows: the group has a member of a machine with this name
   * and a process that there is not), nor dead ones with an `instanceId`. @default false
   */
  readonly development?: boolean
  /** Create missing source, output and lookup topics (development). @default false */
  readonly createTopics?: boolean
  /** Of topics the app creates. @default the broker's */
  readonly replicationFactor?: number
  /** Objects kept in memory by this process; twice as many at most. More are read from the local store. @default 500000 */
  readonly cacheEntries?: number
  /**
   * Copies of each task's state that other processes keep up to date on their disks, so that one of them takes the task over
   * by reading only what was written last. Fewer when there are fewer other processes. @default 0
   */
  readonly standbyReplicas?: number
  /** Of your code, for example the commit it was built from: dead letters carry it. */
  readonly version?: string
  /**
   * Bytes of one record that your code makes: key, value and headers. Larger ones are errors of the turn that makes them
   * (`RECORD_TOO_LARGE`), as are those that their topic does not take (`max.message.bytes`). @default 1000000
   */
  readonly maxRecordBytes?: number
  /**
   * How the app packs the batches of its inboxes, its timers and its dead letters, in which records of sources are handed on:
   * what a source topic has packed may be many times larger than its limit. `zstd` needs Node 22.15, or the package
   * `@bokuweb/zstd-wasm` (`COMPRESSION_UNAVAILABLE` at the start without). @default 'gzip'
   */
  readonly compression?: 'gzip' | 'zstd' | 'none'
  /** Listens for HTTP: probes, state, metrics and the page. See `docs/http.md`. @default nothing listens */
  readonly http?: HttpOptions
  /** Where metrics and traces go: `openTelemetry()` of `millrace/opentelemetry`. @default nowhere; `metrics()` tells them all the same */
  readonly telemetry?: Telemetry
  /** Where warnings, errors and what goes on are told, in the shape of pino. @default warnings and errors as JSON lines on stderr */
  readonly logger?: Logger
}

/** What they hold is checked by whoever connects. */
export const kafka = secret(object('what kafkaLog takes: kafka: { brokers: [address] }'))
export const log = object('an open log: memoryLog() or kafkaLog(options)')

export const appRules: Rules<AppOptions> = {
  id: required(text),
  objects: list('a list of state objects, made with stateObject(name, options)'),
  flows: list('a list of flows, made with stream.to(topic)'),
  lookups: list('a list of lookup tables, made with lookup(topic)'),
  sources: list('a list of sources, made with source(name, { into, from })'),
  sinks: list('a list of sinks, made with sink(name, { from, to })'),
  kafka,
  log,
  guarantee: oneOf('exactly-once', 'at-least-once'),
  dataDir: text,
  commitInterval: duration,
  commitLinger: duration,
  sessionTimeout: duration32,
  instanceId: text,
  development: flag,
  createTopics: flag,
  replicationFactor: whole(1, 32_767),
  cacheEntries: whole(1, Number.MAX_SAFE_INTEGER),
  standbyReplicas: whole(0),
  version: anyText,
  maxRecordBytes: whole(1),
  compression: oneOf('gzip', 'zstd', 'none'),
  // Looked at by its room, which shows no token.
  http: anything,
  telemetry: telemetryRule,
  logger,
}

/** Brokers refuse batches of more than 1,048,588 bytes by default; keys, headers and framing need some. */
export const defaultMaxRecordBytes = 1_000_000

/** Options with every default applied. */
export interface ResolvedOptions {
  readonly guarantee: Guarantee
  readonly dataDir: string | undefined
  readonly commitIntervalMs: number
  readonly commitLingerMs: number
  readonly sessionTimeoutMs: number
  readonly development: boolean
  readonly createTopics: boolean
  readonly replicationFactor: number
  readonly cacheEntries: number
  readonly standbyReplicas: number
  readonly version: string | undefined
  readonly maxRecordBytes: number
  readonly compression: 'gzip' | 'zstd' | 'none'
  readonly http: ResolvedHttp
}

/** Throws `OPTIONS_INVALID` naming each option that is wrong. */
export function resolveOptions(options: AppOptions): ResolvedOptions {
  checkOptions('createApp', options, appRules)
  checkAppId(options.id)
  if ((options.kafka === undefined) === (options.log === undefined)) {
    throw new MillraceError('OPTIONS_INVALID', 'createApp: give either kafka: { brokers } or log: memoryLog()')
  }
  return {
    guarantee: options.guarantee ?? 'exactly-once',
    dataDir: options.dataDir ?? (options.log?.kind === 'memory' ? undefined : './.millrace'),
    commitIntervalMs: durationMs(options.commitInterval ?? 100, 'commitInterval'),
    commitLingerMs: durationMs(options.commitLinger ?? 10, 'commitLinger'),
    sessionTimeoutMs: durationMs(options.sessionTimeout ?? '15s', 'sessionTimeout'),
    development: options.development ?? false,
    createTopics: options.createTopics ?? false,
    replicationFactor: options.replicationFactor ?? -1,
    cacheEntries: options.cacheEntries ?? 500_000,
    standbyReplicas: options.standbyReplicas ?? 0,
    version: options.version,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    compression: options.compression ?? 'gzip',
    http: resolveHttp(options.http),
  }
}
