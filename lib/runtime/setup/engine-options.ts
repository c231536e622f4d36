import type { Clock } from '../../core/clock.js'
import type { MillraceError } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { Tracer } from '../../core/telemetry/tracer.js'
import type { ProcessFacts } from '../../log/joining/process-facts.js'
import type { Compression } from '../../log/compression/compression.js'
import type { LogPort } from '../../log/port.js'
import type { Program } from '../../model/program.js'
import type { StoreFolder } from '../../store/store.js'
import type { PausedInput } from '../watch/paused-input.js'
import type { AppState } from '../watch/app-state.js'
import type { WaitingPartition } from '../watch/waiting-partition.js'
import type { HeldPartition } from '../watch/held-partition.js'

/** `exactly-once`: one transaction per commit; `at-least-once`: the same cycle without it, see docs/guarantees.md. */
export type Guarantee = 'exactly-once' | 'at-least-once'

/** Everything the engine needs, resolved: no defaults are applied further in. */
export interface EngineOptions {
  readonly app: string
  readonly program: Program
  readonly log: LogPort
  /** Opened at start, closed with the engine. */
  readonly openFolder: () => Promise<StoreFolder>
  readonly clock: Clock
  readonly logger: Logger
  readonly guarantee: Guarantee
  /** Of the app's code, as dead letters carry it. */
  readonly version: string | undefined
  /** Bytes of the value of one record, above which brokers refuse it. */
  readonly maxRecordBytes: number
  /** Of the batches of inboxes, timers and dead letters. */
  readonly compression: Compression
  readonly commitIntervalMs: number
  /** With nothing left to process, commits are so far apart at least, and so far that they take a tenth of a core; 0: neither. */
  readonly commitLingerMs: number
  readonly sessionTimeoutMs: number
  readonly instanceId: string | undefined
  /** What people know this process by: its `instanceId`, or a part of `startId`. */
  readonly instance: string
  /** Where others can ask it: the URL of its HTTP listener. Asked for when it joins, so that the listener may be opened meanwhile. */
  readonly http?: (() => string | undefined) | undefined
  /** Of this process, for others that want to know whether it is still there; undefined in tests. */
  readonly process?: ProcessFacts
  /** Members that seem to have died on this machine are not waited for. @default false */
  readonly development?: boolean
  readonly createTopics: boolean
  readonly replicationFactor: number
  /** Objects kept in memory over all tables; twice as many at most. */
  readonly cacheEntries: number
  /** Copies of each task's state that other members keep. */
  readonly standbyReplicas: number
  /** Asked once, when the app has its topics: who makes traces of what it does. */
  readonly tracer?: (() => Tracer | undefined) | undefined
  /** Runs each turn twice, to see that it comes to the same; for tests. */
  readonly rehearses: boolean
  /** Looks at states between turns, for what is done to them then; for tests. @default false */
  readonly watchesStates?: boolean
  /** Whether each state is read again when its turn has left it, not only some when they are written; for tests. @default false */
  readonly readsAgain?: boolean
  /** Hears of turns that fail and records that are refused, as they happen: again when they are done again. For tests. */
  readonly onTrouble?: ((error: MillraceError) => void) | undefined
  readonly bootId: string | undefined
  /** Tells this start from all others: part of the transactional id. */
  readonly startId: string
}

/** Plain counters since the start. What had to be done again, since its commit was not made, counts once, but for what was read. */
export interface Stats {
  /** Records read from sources and inboxes. */
  readonly records: number
  /** Turns that have taken effect. */
  readonly turns: number
  /** Records sent to another partition's inbox. */
  readonly hops: number
  /** Records whose key extractor gave null. */
  readonly dropped: number
  /**
   * Records that no turn was run for: their codec or schema, a stream step, a key extractor or a window refused them, or a broker
   * what was written for them. What became of them is in `deadLetters` and `skipped`, but for those of lookup tables, which are
   * in neither.
   */
  readonly refused: number
  /** Attempts of turns that failed, each of them, also when a later one succeeded. */
  readonly failed: number
  /** Letters in the dead-letter topic: of records that were refused, of turns that were given up, and of those that follow them. */
  readonly deadLetters: number
  /** Inputs that pause now. */
  readonly paused: number
  /** Objects in quarantine now, of the tasks that run here. */
  readonly quarantined: number
  /** Records that were refused, and turns that were given up, of which a policy says `skip`. */
  readonly skipped: number
  readonly commits: number
  /** Commits that failed and whose input was read again. */
  readonly rollbacks: number
  /** Changelog records applied while taking tasks over. */
  readonly restoredRecords: number
  readonly restoredBytes: number
  /** Changelog records applied to standbys. */
  readonly standbyRecords: number
  /** Records applied to lookup tables, also when they were read again. */
  readonly lookupRecords: number
}

/** For readiness and liveness probes. */
export interface Health {
  /** False once the app has been closed or an error has stopped it; see `closed()`. Brokers that are away do not change it. */
  readonly live: boolean
  /**
   * Whether `state` is `running`: all assigned tasks run, and their commits get through. It stays true while the group agrees on a
   * new assignment, and while tasks are taken over that come from others, as long as those that it has run go on.
   */
  readonly ready: boolean
  readonly state: AppState
  /** When not `running`: what it waits for, where, and what to do about it. When `running`, the same of what `held` and `waiting` list. */
  readonly reason: string | undefined
  /** Tasks that were assigned to this process and do not run yet; `onRestore` tells how far they are. */
  readonly takingOver: readonly number[]
  /** Records between what is processed and the end of the topics, of the tasks that run here, as far as the ends are known. */
  readonly lag: number
  /** Inputs that pause, since what their handlers ask for seems to be down: see `breaker`. */
  readonly paused: readonly PausedInput[]
  /** Objects in quarantine, of the tasks that run here: their records become dead letters. `quarantined()` says which. */
  readonly quarantined: number
  /** Objects whose turn failed and is to be tried again, of the tasks that run here. */
  readonly retries: number
  /** Letters that this process has written to the dead-letter topic since it was started, but for those of sources and sinks. */
  readonly deadLetters: number
  /**
   * What does not pass by itself: an error that stopped the app, objects in quarantine, dead letters of the last hour, partitions that
   * are held. A sentence or two for each, with what to do; empty when nobody is needed. It changes neither `live` nor `ready`.
   */
  readonly needsOperator: readonly string[]
  /** Partitions that have not been read on for five seconds, because of transactions that other producers have left open in them. */
  readonly held: readonly HeldPartition[]
  /** Partitions that are not read on for now, since a schema that is needed to read them is asked for, and the registry does not answer. */
  readonly waiting: readonly WaitingPartition[]
}
