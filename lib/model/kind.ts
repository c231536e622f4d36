import type { Codec } from '../codec/codec.js'
import type { RecordInfo } from '../core/record.js'
import type { StreamNode, TopicNode } from './stream.js'
import type { Turn } from './turn.js'
import type { WindowDefinition } from './window.js'

// What the runtime reads of a kind. Functions are kept as functions of `never`: any function fits without a cast, and only
// the runtime, which knows that the value fits, calls them.

export interface KindDefinition {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly init: (key: string) => unknown
  /** Throws when a state does not fit its schema; undefined when that is not checked. */
  readonly check: ((state: unknown) => void) | undefined
  /** The state as its schema lets it through; throws `VALUE_INVALID` when it does not. */
  readonly validate: (state: unknown) => unknown
  readonly inputs: readonly InputDefinition[]
  readonly timers: ReadonlyMap<string, TimerDefinition>
  readonly onClose: ((state: never, turn: Turn) => unknown) | undefined
  readonly publishes: readonly PublishDefinition[]
  /** Topics that its turns are declared to emit to; others are looked up when they do. */
  readonly emits: readonly TopicNode[]
  readonly queries: ReadonlyMap<string, (state: never, ...args: never[]) => unknown>
  readonly window: WindowDefinition | undefined
  readonly ttlMs: number | undefined
  /** Of the state's schema; what is stored carries it. */
  readonly version: number
  /** Steps from one version to the next, by the version they begin at. */
  readonly migrations: ReadonlyMap<number, (old: unknown) => unknown>
}

export interface InputDefinition {
  /** `<sources>#<n>`: what hopped records are addressed to; stays the same when other inputs are added. */
  readonly id: string
  readonly from: StreamNode
  readonly key: (value: never, record: RecordInfo) => string | null
  readonly route: Route
  readonly onError: ErrorPolicy
  readonly breaker: BreakerPolicy | undefined
  readonly turnTimeoutMs: number
  readonly handler: (state: never, value: never, turn: Turn) => unknown
}

/**
 * `auto`: in place where the key's partition is this one, through the inbox otherwise; `aligned`: a key of another
 * partition is an error; `shuffle`: always through the inbox.
 */
export type Route = 'auto' | 'aligned' | 'shuffle'

/** What happens when a handler fails. */
export interface ErrorPolicy {
  /** Turns tried in all; may be infinite. */
  readonly attempts: number
  /** Before the second; doubled before each further one. */
  readonly backoffMs: number
  /** Up to this. */
  readonly mostBackoffMs: number
  /** How long is waited between attempts, all in all; may be infinite, but not with `attempts`. */
  readonly forMs: number
  /** How long the quarantine lasts that follows; undefined: until its dead letters are replayed, or it is lifted by hand. */
  readonly quarantineMs: number | undefined
  /** After the last. */
  readonly then: 'dead-letter' | 'skip' | 'stop'
}

/** When an input pauses since too many of its objects fail. */
export interface BreakerPolicy {
  /** Different objects that fail one after the other. */
  readonly after: number
  /** Between two turns that are tried meanwhile. */
  readonly probeMs: number
}

export interface TimerDefinition {
  readonly name: string
  readonly time: TimerTime
  /** By the clock: whether they wait, after their task has been taken over, until a backlog has been processed. */
  readonly backlog: TimerBacklog
  /** A payload as JSON text. Throws when it does not fit its schema, or would not come back as it is. */
  readonly keep: (payload: unknown) => string
  /** What that text says, as the handler gets it. */
  readonly revive: (kept: unknown) => unknown
  readonly handler: ((state: never, payload: never, turn: Turn) => unknown) | undefined
}

/** `processing`: the clock of the process; `event`: the timestamps of the records its task has processed. */
export type TimerTime = 'processing' | 'event'

/** What is due by the clock while there is a backlog. */
export type TimerBacklog = 'wait' | 'fire'

export interface PublishDefinition {
  readonly target: TopicNode
  readonly row: (state: never, key: string) => unknown
}
