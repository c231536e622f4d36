import type { Saying, TimeState } from './event-time.js'
import type { Input, Transaction } from './log.js'
import type { Key, ObjectState, Positions } from './objects.js'
import type { Source } from './records.js'

/** A local store: what a disk holds of one task. Survives a crash. */
export interface Store {
  readonly data: Map<Key, ObjectState>
  /** Of the changelog, up to which `data` is complete. */
  offset: number
  /** When it last stood at the end of its changelog. */
  at: number
  /** Of the commit that `data` is of. */
  positions: Positions | undefined
}

export function newStore(now: number): Store {
  return { data: new Map(), offset: 0, at: now, positions: undefined }
}

/** A committed part that the store does not have yet. */
export interface Pinned {
  readonly changes: ReadonlyMap<Key, ObjectState | null>
  readonly positions: Positions
  /** Behind this commit's own last append to the changelog. */
  end: number
  readonly tx: Transaction
  readonly at: number
}

/** In the order of a takeover. */
export type Stage = 'fence' | 'offsets' | 'end' | 'restore' | 'running'

/** A task this process was assigned. One that is lost and comes back is another. */
export interface Task {
  readonly index: number
  readonly sources: readonly Source[]
  /** Sources, then the inbox where it has one; positions are in the same order. */
  readonly inputs: readonly Input[]
  stage: Stage
  /** Of the takeover: -1 where the group has no offset. */
  position: number[]
  /** Where the last sealed commit stood, and the last one that was answered. */
  sealed: readonly number[]
  committed: readonly number[]
  /** Committed state. */
  state: Map<Key, ObjectState>
  pinned: Pinned[]
  /** Of the takeover: the end to reach, when the store was young, when the roll-forward began. */
  end: number
  storeAt: number
  beganAt: number
  /** Crossing: per source, the end of this task's inbox up to which it must have been read; -1: latched open. */
  readonly gates: Map<Source, number>
  /** By source: what there is to say of it, and how far it was ever read here. */
  sayings: readonly Saying[]
  sayingsSealed: readonly Saying[]
  sayingsCommitted: readonly Saying[]
  readonly furthest: number[]
  /** Mutation `in-memory` of time-in-state. */
  time: TimeState | undefined
}

export function newTask(index: number, sources: readonly Source[], inbox: Input | undefined): Task {
  return {
    index,
    sources,
    inputs: inbox === undefined ? sources : [...sources, inbox],
    stage: 'fence',
    position: [],
    sealed: [],
    committed: [],
    state: new Map(),
    pinned: [],
    end: 0,
    storeAt: 0,
    beganAt: 0,
    gates: new Map(),
    sayings: [],
    sayingsSealed: [],
    sayingsCommitted: [],
    furthest: [],
    time: undefined,
  }
}
