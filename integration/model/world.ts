import type { Config, Shape } from './config.js'
import type { Group } from './broker/group.js'
import type { Partition } from './broker/partition.js'
import type { Transaction } from './broker/transactions.js'
import type { Process } from './process/memory.js'
import type { Broken } from './rules.js'
import type { Truth } from './truth.js'

export type Key = number

/** What an object is: how many turns it had; the timer that is set, 0 when none is; whether it is in quarantine. Never changed in place. */
export interface ObjectState {
  readonly count: number
  readonly timer: number
  readonly quarantined: boolean
}

/** What a record does to its object. */
export type Operation = 'add' | 'delete' | 'set-timer' | 'throws-once' | 'throws'

/** A partition of a source topic: input that is simply there. */
export interface Source {
  readonly id: number
  readonly name: string
  readonly topic: number
  readonly partition: number
  readonly log: SourceRecord[]
  /** Last `seq` by key. */
  readonly last: Map<Key, number>
}

export interface SourceRecord {
  readonly source: Source
  readonly key: Key
  /** 1, 2, 3, … per source partition and key. */
  readonly seq: number
  /** 1, 2, 3, … per topic and key. */
  readonly topicSeq: number
  readonly op: Operation
}

export type Inbox = Partition<SourceRecord>
export type Input = Source | Inbox

/** A row of the changelog; null is a tombstone. */
export interface Change {
  readonly key: Key
  readonly state: ObjectState | null
}

/** What a turn emits: enough to see later whether it should have happened. */
export interface Output {
  /** `half`: of a turn that threw; `dead-letter`: the record was set aside. */
  readonly kind: 'turn' | 'timer' | 'dead-letter' | 'half'
  readonly key: Key
  /** Undefined for a timer. */
  readonly record: SourceRecord | undefined
  /** The object's count after the turn. */
  readonly count: number
  readonly timer: number
}

/** All there is in one run. Everything that changes it is one of `actions`. */
export interface World {
  readonly config: Config
  readonly shape: Shape
  readonly broken: Broken
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

/** What a run has seen: a case that never sees a rebalance proves nothing. */
export interface Counts {
  inPlace: number
  hops: number
  crossings: number
  generations: number
  retained: number
  takeovers: number
  rolledForward: number
  fromStandby: number
  commits: number
  resent: number
  finishedForLost: number
  aborts: number
  fenced: number
  thrown: number
  timersFired: number
}

/** A promise of the library was broken. */
export class Violation extends Error {}

export function violated(what: string): never {
  throw new Violation(what)
}

/** The task whose objects include this key. */
export function taskOf(world: World, key: Key): number {
  return key % world.shape.stateTasks
}
