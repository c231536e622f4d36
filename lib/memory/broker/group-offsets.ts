import { offsetOf, PositionMap, type Offset, type Positions, type TopicPartition } from '../../core/record.js'

/** Offsets groups have committed, and those that wait for a transaction to be decided (KIP-98, KIP-447). */
export class GroupOffsets {
  readonly #committed = new Map<string, PositionMap>()
  /** By group, then by producer id. */
  readonly #pending = new Map<string, Map<bigint, PositionMap>>()
  #decided: (() => void)[] = []

  commit(group: string, positions: Positions): void {
    merge(entryOf(this.#committed, group), positions)
  }

  forgetGroup(group: string): void {
    this.#committed.delete(group)
  }

  forgetTopic(topic: string): void {
    for (const { topics } of this.#committed.values()) topics.delete(topic)
  }

  /** Holds offsets back until `decide`. */
  hold(group: string, producerId: bigint, positions: Positions): void {
    let ofGroup = this.#pending.get(group)
    if (ofGroup === undefined) this.#pending.set(group, (ofGroup = new Map()))
    merge(entryOf(ofGroup, producerId), positions)
  }

  decide(group: string, producerId: bigint, type: 'commit' | 'abort'): void {
    const ofGroup = this.#pending.get(group)
    const positions = ofGroup?.get(producerId)
    if (ofGroup === undefined || positions === undefined) return
    ofGroup.delete(producerId)
    if (type === 'commit') this.commit(group, positions.topics)
    const waiting = this.#decided
    this.#decided = []
    for (const wake of waiting) wake()
  }

  /** Waits until no commit of these partitions is pending. A partition without an offset is absent from the answer. */
  async stable(group: string, partitions: readonly TopicPartition[]): Promise<Positions> {
    while (this.#isPending(group, partitions)) await new Promise<void>((resolve) => this.#decided.push(resolve))
    const answer = new PositionMap()
    for (const { topic, partition } of partitions) {
      const offset = offsetOf(this.#committed.get(group)?.topics ?? new Map(), topic, partition)
      if (offset !== undefined) answer.set(topic, partition, offset)
    }
    return answer.topics
  }

  #isPending(group: string, partitions: readonly TopicPartition[]): boolean {
    for (const { topics } of this.#pending.get(group)?.values() ?? []) {
      if (partitions.some(({ topic, partition }) => offsetOf(topics, topic, partition) !== undefined)) return true
    }
    return false
  }
}

function entryOf<K>(maps: Map<K, PositionMap>, key: K): PositionMap {
  let map = maps.get(key)
  if (map === undefined) maps.set(key, (map = new PositionMap()))
  return map
}

function merge(into: PositionMap, positions: Positions): void {
  for (const [topic, offsets] of positions) {
    for (const [partition, offset] of offsets as ReadonlyMap<number, Offset>) into.set(topic, partition, offset)
  }
}
