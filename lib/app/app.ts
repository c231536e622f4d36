import type { Duration } from '../core/duration.js'
import type { ConnectorHealth, ConnectorStats } from '../connect/runner.js'
import type { HttpHandler } from '../http/route.js'
import type { DeepReadonly } from '../model/deep-readonly.js'
import type { AnyStateObject, Queries, StateObject } from '../model/state-object.js'
import type { Health, Stats } from '../runtime/setup/engine-options.js'
import type { QuarantinedObject } from '../runtime/quarantine.js'
import type { StateEntriesOptions } from '../query/entries.js'
import type { Owner } from '../query/queries.js'
import type { ReadOptions } from '../query/read-options.js'
import type { StateAnswer } from '../query/routed-state.js'
import type { Change } from '../query/watch/changes.js'
import type { WatchOptions, WatchPrefix } from '../query/watch/watching.js'
import type { RestoreReport } from '../runtime/watch/restore-watch.js'
import type { StateChange } from '../runtime/watch/state-watch.js'
import type { RunOptions } from './life/run.js'

/** A running application: one process's share of all who use the same id. */
export interface App extends AsyncDisposable {
  /**
   * Resolves when the first assignment is restored and running. Rejects with what prevents it, or has stopped the app since. While no broker can be reached
   * it goes on trying: `health()` and `onStateChange` say so, and `close()` ends it.
   */
  start(): Promise<void>
  /**
   * For a main program: `await app.run()` starts the app and resolves when it has been closed, by a signal (SIGTERM, SIGINT) or by
   * `close()`. A second signal, a second or more later, ends the process at once. Rejects with the error that stopped the app, and sets
   * `process.exitCode` to 1: unless it is caught, Node.js prints it and the process ends with a failure. What the program itself keeps
   * open after a signal (a server, a timer) it closes when this has resolved; 5 s later the process is ended all the same.
   * It may have been started before; a second call gets what the first one gets. Rejects with `APP_CLOSED` when it has been closed;
   * throws `OPTIONS_INVALID` at once.
   */
  run(options?: RunOptions): Promise<void>
  /**
   * Finishes what was begun, commits, leaves the group and closes the local stores. After `timeout` (10 s by default) what is
   * not committed is left to be read again; closing connections and stores can take a few seconds more. Closing twice is
   * allowed. Never rejects, also after an error that stopped the app; throws `OPTIONS_INVALID` at once.
   */
  close(options?: CloseOptions): Promise<void>
  /**
   * Resolves when the app has been closed. Rejects with the error that stopped it. When there is such an error and nobody has
   * called this, nor heard of it from `start()` or `drained()`, it is an unhandled rejection, which ends a process of Node.js
   * with a failure. Not while it is being closed: `close()` does not fail.
   */
  closed(): Promise<void>
  /**
   * Resolves when every record present at the call has been processed and committed, by whichever process, and lookups in this
   * one see every row present at the call. Turns that have failed and are to be tried again are not waited for: it says how many
   * there are. Rejects with what stopped the app.
   */
  drained(): Promise<Drained>
  /**
   * Reads committed state: here when it is here, and from the instance that has it otherwise, when both have `http`; see
   * `docs/queries.md`. `options` are those of each of its reads that says nothing else. Throws `OPTIONS_INVALID` and `TOKEN_INVALID`.
   */
  state<O extends AnyStateObject>(kind: O, options?: ReadOptions): StateReader<StateOf<O>, QueriesOf<O>>
  /**
   * Which instance has an object, where it can be asked, and whether it runs: as the group of the app says, and the instance itself. Rejects with
   * `DEFINITION_INVALID`, `OPTIONS_INVALID` and `APP_CLOSED`.
   */
  owner(kind: AnyStateObject | string, key: string): Promise<Owner>
  /**
   * Committed changes of one object, or of all whose keys begin with a prefix, as they come, of the whole app: in the order of their commits for each
   * object. They are read from the changelog, so several commits may come as the last of them when a watch goes on after a pause. Of a windowed
   * kind the key is `<key>|<start>|<end>`; with sessions a change by prefix tells all open sessions of a key anew: first that `<key>` is
   * deleted, then each that is open. Begins at the call, or behind `after`, whenever it is read, and ends when `signal` aborts. Rejects with `TOKEN_INVALID`
   * where it cannot go on behind `after`, and with `STATE_NEWER` when an instance of a newer version has written the change.
   */
  watch<O extends AnyStateObject>(
    kind: O,
    keyOrPrefix: string | WatchPrefix,
    options?: WatchOptions,
  ): AsyncIterable<Change<DeepReadonly<StateOf<O>>>>
  /** Objects in quarantine, of the tasks that this process runs, as last committed. Throws what stopped the app, or `APP_CLOSED`. */
  quarantined(): AsyncIterable<QuarantinedObject>
  /**
   * Lifts the quarantine of an object of a task that this process runs: its next record has its turn. What is a dead letter
   * stays one until it is replayed. Resolves when that is committed; to false when the object was in none. Rejects with
   * `KEY_ELSEWHERE` when another process runs its task.
   */
  release(kind: AnyStateObject | string, key: string): Promise<boolean>
  /** What the app is doing now; cheap enough for a probe that asks every second. */
  health(): AppHealth
  /**
   * Calls `listener` with each change of `health().state`; what is over within a quarter of a second is left out. What it
   * throws is logged. The returned function ends it.
   */
  onStateChange(listener: (change: StateChange) => void): () => void
  /**
   * Calls `listener` with how far the restore of tasks is, at most once a second and once at its end. What it throws is
   * logged. The returned function ends it.
   */
  onRestore(listener: (report: RestoreReport) => void): () => void
  /** Counters since the start. */
  stats(): AppStats
  /** All metrics, as `/metrics` answers: text that Prometheus reads, see `docs/metrics.md`. Never rejects, whatever the app is doing. */
  metrics(): Promise<string>
  /** Every topic, kind, store, source and sink of the app, as text. */
  describe(): string
  /**
   * Answers what the listener does, for a web server that you have: give it requests as `fetch` has them. It answers before `start()` and after
   * `close()` too, and never rejects. Without a token in `http` it answers probes only, unless it is told who asks. See `docs/http.md`.
   */
  readonly handler: HttpHandler
  /** Where the app is reached over HTTP: once it listens, or as `advertised` says. */
  readonly http: { readonly url: string } | undefined
}

export interface AppHealth extends Health {
  /** Of the sources and sinks of this process. They do not change whether it is `live` or `ready`: what is away outside is waited for. */
  readonly connectors: readonly ConnectorHealth[]
}

export interface AppStats extends Stats {
  readonly connectors: readonly ConnectorStats[]
}

export interface Drained {
  /** Turns of the tasks of this process that wait for another attempt, or behind one that does. */
  readonly waiting: number
}

export interface CloseOptions {
  /** How long it waits for brokers; what is not committed by then is read again. @default '10s' */
  readonly timeout?: Duration
}

/** What the objects of a kind hold. */
export type StateOf<O> = O extends StateObject<any, infer S, any, any, any> ? S : never
/** The queries of a kind. */
export type QueriesOf<O> = O extends StateObject<any, any, any, infer Q, any> ? Q : never

/**
 * Committed state only. What an answer holds is a copy. Reads reject with `KEY_ELSEWHERE` where the object is another instance's and there is no
 * way to ask it, `KEY_RESTORING` while its task is being restored, `OWNER_UNKNOWN` where no instance has it, and `OWNER_AWAY` where the one that has
 * it cannot be asked. With `http` they try again until their `timeout` is over.
 */
export interface StateReader<S, Q extends Queries = {}> {
  /** Undefined when there is no such object; of a windowed kind the key is `<key>|<start>|<end>`. Rejects also as `ReadOptions.after` says. */
  get(key: string, options?: ReadOptions): Promise<DeepReadonly<S> | undefined>
  /** The same with where it is from, and how old a stale answer is. */
  read(key: string, options?: ReadOptions): Promise<StateAnswer<DeepReadonly<S>>>
  /**
   * Objects by the order of their keys, of the whole app or of this process: see `StateEntriesOptions.scope`. Throws `OPTIONS_INVALID`; in the middle
   * what reads reject with, when a part of them cannot be had.
   */
  entries(options?: StateEntriesOptions): AsyncIterable<readonly [key: string, state: DeepReadonly<S>]>
  /** The answer to a query of the kind, which runs in this process; undefined when there is no such object. Rejects as `get` does. */
  ask<K extends keyof Q & string>(
    key: string,
    query: K,
    ...args: Parameters<Q[K]>
  ): Promise<Awaited<ReturnType<Q[K]>> | undefined>
}
