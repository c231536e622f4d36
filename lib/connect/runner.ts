import type { Clock } from '../core/clock.js'
import type { Logger } from '../core/logger.js'
import type { ProcessFacts } from '../log/joining/process-facts.js'
import { Joining } from '../log/joining/joining.js'
import type { LogPort } from '../log/port.js'

/** Runs one source or sink of an app in this process. */
export interface Runner {
  /** Resolves when it takes part. Rejects with what is wrong with its topics, or with its group; not because of the outside. */
  start(): Promise<void>
  /** Finishes what was begun, commits, and lets go of the outside. Never rejects. */
  close(): Promise<void>
  readonly health: ConnectorHealth
  readonly stats: ConnectorStats
}

/** What all runners of an app have in common. */
export interface RunnerOptions {
  readonly app: string
  readonly log: LogPort
  readonly clock: Clock
  readonly logger: Logger
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  /** Of this process, and whether members that seem to have died on its machine are waited for, as the engine has them. */
  readonly process?: ProcessFacts
  readonly development?: boolean
  /** Makes topics that are missing. */
  readonly createTopics: boolean
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly maxRecordBytes: number
  readonly compression: 'gzip' | 'zstd' | 'none'
  /** Of the app, for dead letters. */
  readonly version: string | undefined
  /** It cannot go on: the policy of its topic says that the app stops, or its group refuses it. */
  readonly onFailure: (error: unknown) => void
}

/** A source or sink, as this process sees it. */
export interface ConnectorHealth {
  readonly kind: 'source' | 'sink'
  readonly name: string
  /** What it is connected to: `tcp`, `rabbitmq`. */
  readonly connector: string
  /** `none`: of a sink whose target does not say what it has. */
  readonly guarantee: 'exactly-once' | 'at-least-once' | 'at-most-once' | 'none'
  /** `retrying`: the outside, or Kafka, does not answer or has refused; it is tried again. `idle`: other processes have all its partitions. */
  readonly state: 'starting' | 'running' | 'retrying' | 'idle' | 'stopped'
  /** Those that this process has. */
  readonly partitions: readonly string[]
  /** Why it is tried again. */
  readonly reason?: string
  /** Milliseconds since the epoch: since when it is in this state. */
  readonly since: number
}

/** Since the start, of this process. */
export interface ConnectorStats {
  readonly kind: 'source' | 'sink'
  readonly name: string
  /** Written to the topic or to the target, for good. */
  readonly records: number
  readonly commits: number
  /** Not written, since a record with that id was. */
  readonly duplicates: number
  readonly deadLetters: number
  /** Refused where the topic says `skip`. */
  readonly skipped: number
  /** Times that something was tried again. */
  readonly retries: number
  /** Of sinks: records that are there and not written, by partition of those that this process has. */
  readonly lag?: ReadonlyMap<number, number>
  /** Of sinks: records that were gone before they could be written, at most. */
  readonly missing?: number
}

type Of = Pick<RunnerOptions, 'log' | 'process' | 'development' | 'clock' | 'logger'>

/** The log, for a source or sink that joins a group of its own, in which dead processes may be. */
export function joiningAs(
  who: string,
  { log, process, development = false, clock, logger }: Of,
): Pick<LogPort, 'join'> {
  const joining = new Joining({ log, who, process, development, clock, logger })
  return { join: (options) => joining.join(options) }
}
