/** What a client needs to know of a topic; every topic handle fits. */
export interface ClientTopic<V> {
  readonly name: string
  readonly codec: { encode(value: V): Uint8Array | string; decode(bytes: Uint8Array): V }
}
