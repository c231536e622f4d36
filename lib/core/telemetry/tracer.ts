import type { RecordInfo } from '../record.js'

/** A turn that may be traced. */
export interface TracedTurn {
  readonly source: { readonly id: string; readonly kind: { readonly name: string }; readonly isTimer: boolean }
  readonly key: string
  readonly record: RecordInfo
  /** How often it has been tried before. */
  readonly tried: number
}

/** Headers of a trace: `traceparent`, and `tracestate` where there is one. */
export type TraceHeaders = ReadonlyMap<string, Uint8Array>

/** A turn that is traced. Its end is told once; later ones change nothing. Only `run` throws: what the handler throws. */
export interface TurnTrace {
  /** What records that it emits carry. */
  readonly headers: TraceHeaders
  /** Calls the handler, within the trace: what it calls and awaits belongs to it too. */
  run<T>(call: () => T): T
  succeeded(): void
  failed(error: unknown): void
}

/** A commit that is traced. */
export interface CommitTrace {
  made(records: number, bytes: number): void
  refused(error: unknown): void
}

/** Makes traces of what an app does. Nothing of it throws, or takes long: `turn` is asked before each turn. */
export interface Tracer {
  /** Undefined: this one is not traced. */
  turn(turn: TracedTurn): TurnTrace | undefined
  /** A record goes to the partition of its object: what it carries there; undefined: what it carries already. */
  hop(record: RecordInfo, inbox: string): TraceHeaders | undefined
  /** One has been sealed. */
  commit(seq: number, tasks: number): CommitTrace | undefined
}
