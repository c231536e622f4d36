import type { QueriesOf, StateOf } from '../app/app.js'
import type { ReplayReport, ReplaySelection } from '../app/replay.js'
import type { Duration } from '../core/duration.js'
import type { Headers } from '../core/record.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Topic } from '../model/stream.js'
import type { QuarantinedObject } from '../runtime/quarantine.js'
import type { Stats } from '../runtime/setup/engine-options.js'
import type { EntriesOptions } from '../runtime/state-reader.js'
import type { DeadLetter } from './dead-letters.js'
import type { CrashStep } from './life.js'
import type { CallOptions, SendAllOptions, SendOptions } from './options.js'

/** A record of an output topic. */
export interface OutputRecord<V> {
  readonly key: string | null
  /** Null for a tombstone. */
  readonly value: V | null
  readonly timestamp: number
  readonly headers: Headers
}

/** A record, when it is only asked what is in it. */
export interface EmittedRecord<V> {
  readonly key: string | null
  /** Null for a tombstone. */
  readonly value: V | null
}

/**
 * Your real definitions on the embedded log, with a clock you move by hand. Every call resolves when all is committed that
 * follows from it, and rejects with what stops the app; with the first error when a turn fails or a record becomes a dead
 * letter, unless it was told `failures: 'expect'`; and with `TEST_STUCK` when it gets on no more. Calls are run one at a time, in the order in
 * which they were made. One that is not closed does not keep the process alive.
 */
export interface TestDriver extends AsyncDisposable {
  /** Appends a value (null: a tombstone) and processes it and all that follows from it. */
  send<V>(target: Topic<V>, value: NoInfer<V> | null, options?: SendOptions): Promise<void>
  /** The same for many values at once. */
  sendAll<V>(target: Topic<V>, values: Iterable<NoInfer<V>>, options?: SendAllOptions<V>): Promise<void>
  /**
   * Moves the clock. It stops wherever something is due on the way, a timer, another attempt, a time to live: so all of that runs
   * in the order of its times, and so does what that sets or leads to.
   */
  advance(by: Duration, options?: CallOptions): Promise<void>
  /**
   * Stops as `kill -9` would and starts again from what survived: now, or, with a step, when the next commit comes to
   * that step.
   */
  crash(at?: CrashStep, options?: CallOptions): Promise<void>
  /** Sends the dead letters of turns back to their objects, as `replayDeadLetters` does. */
  replayDeadLetters(options?: CallOptions & ReplaySelection): Promise<ReplayReport>
  /** Loses the local state, as a lost disk would: the next crash restores from the changelogs. */
  loseDisk(): void
  /** A copy of an object's committed state; undefined when there is none. Of a windowed kind the key is `<key>|<start>|<end>`. */
  state<O extends AnyStateObject>(kind: O, key: string): StateOf<O> | undefined
  /** All objects of a kind, as `entries` of an app gives them. */
  entries<O extends AnyStateObject>(
    kind: O,
    options?: EntriesOptions,
  ): Promise<readonly (readonly [key: string, state: StateOf<O>])[]>
  /** The answer to a query of the kind, as `ask` of an app gives it; undefined when there is no such object. */
  ask<O extends AnyStateObject, K extends keyof QueriesOf<O> & string>(
    kind: O,
    key: string,
    query: K,
    ...args: Parameters<QueriesOf<O>[K]>
  ): Promise<Awaited<ReturnType<QueriesOf<O>[K]>> | undefined>
  /** All committed records of a topic so far, in order per partition. */
  output<V>(target: Topic<V>): readonly OutputRecord<V>[]
  /** The keys and values of the same records, and nothing else: to be compared with what a test expects. */
  emitted<V>(target: Topic<V>): readonly EmittedRecord<V>[]
  /** All dead letters so far, those that were replayed too, in order per object; of a topic, those whose records came from it. */
  deadLetters(): readonly DeadLetter<unknown>[]
  deadLetters<V>(source: Topic<V>): readonly DeadLetter<V>[]
  /** All objects in quarantine, as `quarantined` of an app gives them. */
  quarantined(): Promise<readonly QuarantinedObject[]>
  /** Lifts the quarantine of an object, as `release` of an app does; false when it is in none. */
  release(kind: AnyStateObject | string, key: string, options?: CallOptions): Promise<boolean>
  /** How often the app has died. */
  readonly crashes: number
  /** Counters since the last start. */
  stats(): Stats
  /** Ends the app, once the calls that were made have ended. Calls that follow reject with `APP_CLOSED`. */
  close(): Promise<void>
}
