import type { Key } from './key.js'

/** What a record does to its object. */
export type Operation = 'add' | 'delete' | 'set-timer' | 'throws-once' | 'throws' | 'refused'

/** A partition of a source topic: input that is simply there. */
export interface Source {
  readonly id: number
  readonly name: string
  readonly topic: number
  readonly partition: number
  readonly log: SourceRecord[]
  /** Last `seq` by key. */
  readonly last: Map<Key, number>
  /** Of all its records. */
  latest: number
  /** Its owner has found it silent, or it came later than others: its records may be late from then on. */
  wasSilent: boolean
}

export interface SourceRecord {
  readonly source: Source
  readonly key: Key
  /** 1, 2, 3, … per source partition and key. */
  readonly seq: number
  /** 1, 2, 3, … per topic and key. */
  readonly topicSeq: number
  readonly op: Operation
  /** Event time: not more than the grace behind what its source partition has come to. */
  readonly time: number
  /** It may be late. */
  readonly excused: boolean
  /** Its turn is asynchronous: other things happen before it ends. */
  readonly slow: boolean
}

export const timerOf = ({ source, seq }: SourceRecord): number => source.id * 1_000 + seq

/** What a turn emits: enough to see later whether it should have happened. */
export interface Output {
  /** `half`: of a turn that threw; `dead-letter`: the record was set aside; `blamed`: because a broker refused its output. */
  readonly kind: 'turn' | 'timer' | 'dead-letter' | 'blamed' | 'half' | 'late'
  readonly key: Key
  /** Undefined for a timer. */
  readonly record: SourceRecord | undefined
  /** The object's count after the turn. */
  readonly count: number
  readonly timer: number
  /** Event time in its task. */
  readonly now?: number
}
