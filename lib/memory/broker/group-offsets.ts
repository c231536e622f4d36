import type { Positions, TopicPartition } from '../../core/record.js'
import type { CommittedOffset, OffsetNotes } from '../../log/port.js'

/** By topic, then by partition. */
type Offsets = Map<string, Map<number, CommittedOffset>>

/** Offsets groups have committed, and those that wait for a transaction to be decided (KIP-98, KIP-447). */
export class GroupOffsets {
  readonly #committed = new Map<string, Offsets>()
  /** By group, then by producer id. */
  readonly #pending = new Map<string, Map<bigint, Offsets>>()
  #decided: (() => void)[] = []

  commit(group: string, positions: Positions, notes?: OffsetNotes): void {
    merge(entryOf(this.#committed, group), listed(positions, notes))
  }

  has(group: string): boolean {
    return this.#committed.has(group)
  }

  forgetGroup(group: string): void {
    this.#committed.delete(group)
  }

  forget(group: string, partitions: readonly TopicPartition[]): void {
    const committed = this.#committed.get(group)
    for (const { topic, partition } of partitions) committed?.get(topic)?.delete(partition)
  }

  forgetTopic(topic: string): void {
    for (const topics of this.#committed.values()) topics.delete(topic)
    for (const ofGroup of this.#pending.values()) for (const topics of ofGroup.values()) topics.delete(topic)
  }

  /** Holds offsets back until `decide`. */
  hold(group: string, producerId: bigint, positions: Positions, notes?: OffsetNotes): void {
    let ofGroup = this.#pending.get(group)
    if (ofGroup === undefined) this.#pending.set(group, (ofGroup = new Map()))
    merge(entryOf(ofGroup, producerId), listed(positions, notes))
  }

  decide(group: string, producerId: bigint, type: 'commit' | 'abort'): void {
    const ofGroup = this.#pending.get(group)
    const offsets = ofGroup?.get(producerId)
    if (ofGroup === undefined || offsets === undefined) return
    ofGroup.delete(producerId)
    if (type === 'commit') merge(entryOf(this.#committed, group), all(offsets))
    const waiting = this.#decided
    this.#decided = []
    for (const wake of waiting) wake()
  }

  /** Resolves when no commit of these partitions is pending. */
  async stable(group: string, partitions: readonly TopicPartition[] | 'all'): Promise<void> {
    while (this.#isPending(group, partitions)) await new Promise<void>((resolve) => this.#decided.push(resolve))
  }

  /** A partition without an offset is absent from the answer. */
  committed(group: string, partitions: readonly TopicPartition[] | 'all'): readonly CommittedOffset[] {
    const committed = this.#committed.get(group)
    if (partitions === 'all') return committed === undefined ? [] : all(committed)
    return partitions.flatMap(({ topic, partition }) => committed?.get(topic)?.get(partition) ?? [])
  }

  #isPending(group: string, partitions: readonly TopicPartition[] | 'all'): boolean {
    for (const offsets of this.#pending.get(group)?.values() ?? []) {
      if (partitions === 'all') {
        if (all(offsets).length > 0) return true
      } else if (partitions.some(({ topic, partition }) => offsets.get(topic)?.has(partition) === true)) return true
    }
    return false
  }
}

function entryOf<K>(maps: Map<K, Offsets>, key: K): Offsets {
  let map = maps.get(key)
  if (map === undefined) maps.set(key, (map = new Map()))
  return map
}

function listed(positions: Positions, notes?: OffsetNotes): readonly CommittedOffset[] {
  return [...positions].flatMap(([topic, offsets]) =>
    [...offsets].map(([partition, offset]) => ({ topic, partition, offset, note: notes?.get(topic) ?? '' })),
  )
}

const all = (offsets: Offsets): readonly CommittedOffset[] =>
  [...offsets.values()].flatMap((partitions) => [...partitions.values()])

function merge(into: Offsets, offsets: readonly CommittedOffset[]): void {
  for (const committed of offsets) {
    let partitions = into.get(committed.topic)
    if (partitions === undefined) into.set(committed.topic, (partitions = new Map()))
    partitions.set(committed.partition, committed)
  }
}
