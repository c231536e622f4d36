import type { Duration } from '../core/duration.js'
import type { DeepReadonly, StateObject } from '../model/state-object.js'
import type { Health, Stats } from '../runtime/engine-options.js'

/** A running application: one process's share of all who use the same id. */
export interface App extends AsyncDisposable {
  /** Resolves when the first assignment is restored and running. Rejects with what prevents it. */
  start(): Promise<void>
  /**
   * Finishes what was begun, commits, leaves the group; after `timeout` (10 s by default) what is not committed is left to
   * be read again. Closing twice is allowed. Never rejects.
   */
  close(options?: { timeout?: Duration }): Promise<void>
  /** Resolves when the app has been closed. Rejects with the error that stopped it. */
  closed(): Promise<void>
  /** Resolves when every record present at the call has been processed and committed, by whichever process. Rejects with what stopped the app. */
  drained(): Promise<void>
  /** Reads committed state of the tasks this process runs. */
  state<Name extends string, S>(kind: StateObject<Name, S>): StateReader<S>
  health(): Health
  /** Counters since the start. */
  stats(): Stats
  /** Every topic, kind and store of the app, as text. */
  describe(): string
}

/** Committed state only. */
export interface StateReader<S> {
  /** Undefined when there is no such object. Rejects with `KEY_ELSEWHERE` when another process runs its task. */
  get(key: string): Promise<DeepReadonly<S> | undefined>
  /** Objects of the tasks that this process runs. */
  entries(options?: { prefix?: string; limit?: number }): AsyncIterable<readonly [key: string, state: DeepReadonly<S>]>
}
