/** What a client needs to know of a topic; every topic handle fits. A codec that gives null writes tombstones. */
export interface ClientTopic<V> {
  readonly name: string
  readonly codec: { encode(value: V): Uint8Array | string | null; decode(bytes: Uint8Array): V }
}
