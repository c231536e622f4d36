import type { Duration } from '../core/duration.js'
import type { Logger } from '../core/logger.js'
import type { RecordInfo } from '../core/record.js'
import type { DeepReadonly, Given } from './deep-readonly.js'
import type { LookupTable } from './lookup.js'
import type { Topic } from './stream.js'

/** Timers by name, and what each carries. */
export type TimerPayloads = Record<string, unknown>

/** Of a windowed kind: `[start, end)`, milliseconds since the epoch. */
export interface WindowBounds {
  readonly start: number
  readonly end: number
}

/**
 * What a handler may do besides changing its state. Closed when the turn ends: late calls throw `TURN_ENDED`. `Bounds` is
 * `WindowBounds` in handlers of a windowed kind and `undefined` in those of others.
 */
export interface Turn<
  Timers extends TimerPayloads = {},
  Bounds extends WindowBounds | undefined = WindowBounds | undefined,
> {
  readonly key: string
  /** True when this record created the object. */
  readonly isNew: boolean
  /** The window of a windowed kind; undefined otherwise. */
  readonly window: Bounds
  /**
   * The record that caused this turn, as its source topic has it. In a turn of a timer or of a window that closes there is
   * no such record: then it names the app's timer topic, with offset -1.
   */
  readonly record: RecordInfo
  /** Event time of this turn, milliseconds since the epoch; in the turn of a timer, when it was due. */
  readonly now: number
  /** Aborts when the turn is cut off: its time is up, its task is lost, or the app closes. */
  readonly signal: AbortSignal
  readonly log: Logger
  /** Held until the turn has succeeded, visible when the commit is. Key defaults to this object's key. `null`: a tombstone. */
  emit<V>(target: Topic<V>, value: NoInfer<Given<V>> | null, options?: EmitOptions): void
  /**
   * The row of a lookup table as it is now; undefined when there is none. It is frozen: copy what you change. A turn that is
   * run again may see a newer one. Throws `DEFINITION_INVALID` for a table that was not given to the app.
   */
  lookup<V>(table: LookupTable<V>, key: string): DeepReadonly<V> | undefined
  /**
   * (Re)sets the named timer of this object: after so long, or at a time. Survives restarts and moves. With an `id` there are
   * several of one name, each set, moved and taken back by itself.
   */
  timer<N extends keyof Timers & string>(
    name: N,
    when: Duration | Date,
    payload: Given<Timers[N]>,
    options?: TimerOptions,
  ): void
  /** Takes the named timer back, that with this `id` or that without; nothing when it is not set. */
  cancel<N extends keyof Timers & string>(name: N, options?: TimerOptions): void
  /** Removes the object and its timers at the end of the turn; the next record for its key creates it anew. */
  delete(): void
}

/** Which of several timers of one name. */
export interface TimerOptions {
  /** Well-formed text of 1 to 256 characters; at most 1,000 timers of one object have ids. @default the one without an id */
  readonly id?: string
}

/** How an emitted record differs from what its turn would give it. */
export interface EmitOptions {
  /** `null`: no key, spread over the partitions. @default the object's key */
  readonly key?: string | null
  /** A plain object of names and values. @default the trace context of the turn's record */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
  /** Milliseconds since the epoch. @default the turn's event time */
  readonly timestamp?: number
}
