import type { KeyFormat } from '../../core/key-format.js'

/** What a client needs to know of a topic; every topic handle fits. A codec that gives null writes tombstones. */
export interface ClientTopic<V> {
  readonly name: string
  /** How its keys are read and written. @default as text */
  readonly keys?: KeyFormat
  readonly codec: { encode(value: V): Uint8Array | string | null; decode(bytes: Uint8Array): V }
}
