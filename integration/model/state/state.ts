import type { Counts } from './counts.js'
import type { Group } from './group.js'
import type { Inbox, Partition, Transaction } from './log.js'
import type { Change, Key } from './objects.js'
import type { Process } from './process.js'
import type { Output, Source } from './records.js'
import type { Truth } from './truth.js'

/** The size of a run. */
export interface Shape {
  /** Tasks that have state: partitions of changelog and inbox. */
  readonly stateTasks: number
  /** Partitions of each source topic. */
  readonly topics: readonly number[]
  readonly keys: number
  readonly records: number
  readonly processes: number
  /** Actions tried before the faults stop. */
  readonly steps: number
}

/** All there is in one run. It knows neither the rules nor what a case chose: see `World`. */
export interface State {
  readonly shape: Shape
  /** Ticks with every attempted action; ages are measured in it. */
  now: number
  readonly sources: Source[]
  readonly topics: Source[][]
  readonly inboxes: Inbox[]
  readonly changelogs: Partition<Change>[]
  readonly outputs: Partition<Output>[]
  /** Transactions without a decision, and those decided whose markers are still on their way. */
  readonly open: Set<Transaction>
  readonly ending: Transaction[]
  readonly group: Group
  readonly processes: readonly Process[]
  readonly truth: Truth
  produced: number
  readonly topicSeq: Map<string, number>
  grown: boolean
  lastId: number
  /** Adds a sentence to the trace, when there is one. */
  readonly say: (sentence: () => string) => void
  readonly counts: Counts
}

/** The task whose objects include this key. */
export function taskOf({ shape }: State, key: Key): number {
  return key % shape.stateTasks
}
