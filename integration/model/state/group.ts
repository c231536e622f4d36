import type { Input, Transaction } from './log.js'
import type { Process } from './process.js'
import type { Source } from './records.js'

/** A task and the source partitions it had when the assignment was made. */
export interface AssignedTask {
  readonly index: number
  readonly sources: readonly Source[]
}

export interface Member {
  readonly process: Process
  /** Whether it has joined the round under way. */
  joined: boolean
  /** The tasks it says it holds. */
  claims: readonly number[]
  assignment: readonly AssignedTask[]
  /** Generation its last JoinGroup was answered with. */
  joinGeneration: number
}

/** The consumer group: members in rounds, and their offsets. Dead processes stay members until their session ends. */
export interface Group {
  generation: number
  state: 'empty' | 'joining' | 'stable'
  readonly members: Map<number, Member>
  readonly committed: Map<Input, number>
  /** Transactions whose offsets were accepted and have no marker. */
  readonly pending: Set<Transaction>
}

export function newGroup(): Group {
  return { generation: 0, state: 'empty', members: new Map(), committed: new Map(), pending: new Set() }
}
