import type { Logger } from '../core/logger.js'
import type { RecordInfo } from '../core/record.js'
import type { Topic } from './stream.js'

/** What a handler may do besides changing its state. Closed when the turn ends: late calls throw `TURN_ENDED`. */
export interface Turn {
  readonly key: string
  /** True when this record created the object. */
  readonly isNew: boolean
  /** The record that caused this turn, as its source topic has it; valid until the turn ends. */
  readonly record: RecordInfo
  /** Event time of this turn, milliseconds since the epoch. */
  readonly now: number
  readonly log: Logger
  /** Held until the turn has succeeded, visible when the commit is. Key defaults to this object's key. */
  emit<V>(target: Topic<V>, value: NoInfer<V>, options?: EmitOptions): void
  /** Removes the object at the end of the turn; the next record for its key creates it anew. */
  delete(): void
}

/** How an emitted record differs from what its turn would give it. */
export interface EmitOptions {
  /** `null`: no key, spread over the partitions. @default the object's key */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
  /** Milliseconds since the epoch. @default the turn's event time */
  readonly timestamp?: number
}
