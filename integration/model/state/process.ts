import { newCommit, type Commit, type Part } from './commit.js'
import type { Client } from './log.js'
import type { Key, ObjectState } from './objects.js'
import type { SourceRecord } from './records.js'
import type { Pinned, Store, Task } from './task.js'

/** An asynchronous turn under way. */
export interface Flight {
  readonly task: Task
  readonly record: SourceRecord
  /** The object as it was when the turn began. */
  readonly before: ObjectState
  /** The commit it was taken into. */
  readonly begunIn: Commit
  /** Its row is there: no commit waits for it. */
  parked: boolean
  /** Records whose turns wait for it in memory. */
  queue: SourceRecord[]
}

/** What a process has in memory, and its stores, which survive it. */
export interface Process extends Client {
  /** By task. */
  readonly stores: Map<number, Store>
  up: boolean
  /** Stopped: does nothing until resumed, and does not know. */
  paused: boolean
  // The group.
  status: 'none' | 'member' | 'joining' | 'joined'
  memberId: number
  /** Of the last assignment received; -1 before the first. */
  generation: number
  joinGeneration: number
  // The tasks.
  tasks: Map<number, Task>
  current: Commit
  inFlight: Commit | undefined
  readonly flights: Map<Key, Flight>
  /** Partitions per topic, as of its metadata. */
  partitionCounts: readonly number[]
  /** Starts so far. */
  incarnation: number
  /** Records to be replayed one at a time, and what only memory knows to be quarantined. */
  careful: Set<SourceRecord>
  quarantine: Set<Key>
  /** After a broker has refused records: how many a commit may take, and how many the first such commit had. */
  halving: { readonly most: number; readonly size: number } | undefined
  /** Records whose output was refused. */
  culprits: Set<SourceRecord>
  /** Tasks whose store it keeps up to date without holding them; the end each has to come to, and when it was asked. */
  readonly standing: Map<number, { goal: { readonly end: number; readonly askedAt: number } | undefined }>
  /** Mutation `late` of flush-before-close. */
  late: { readonly task: number; readonly pinned: Pinned[] }[]
}

export function newProcess(id: number): Process {
  return {
    id,
    stores: new Map(),
    standing: new Map(),
    up: false,
    paused: false,
    status: 'none',
    memberId: 0,
    generation: -1,
    joinGeneration: -1,
    producer: 0,
    fenced: false,
    lastTx: undefined,
    tasks: new Map(),
    current: newCommit(),
    inFlight: undefined,
    flights: new Map(),
    partitionCounts: [],
    incarnation: 0,
    careful: new Set(),
    quarantine: new Set(),
    halving: undefined,
    culprits: new Set(),
    late: [],
  }
}

/** The current buffer's part of a task. */
export function partOf(process: Process, task: Task): Part {
  const existing = process.current.parts.get(task.index)
  if (existing !== undefined) return existing
  const part: Part = {
    task,
    changes: new Map(),
    outputs: [],
    hops: [],
    positions: [],
    mark: undefined,
    sayings: [],
    end: 0,
  }
  process.current.parts.set(task.index, part)
  return part
}

/** An object as the next turn sees it: current buffer, commit under way, committed state. */
export function read(process: Process, task: Task, key: Key): ObjectState | null {
  const current = process.current.parts.get(task.index)?.changes.get(key)
  if (current !== undefined) return current
  const part = process.inFlight?.parts.get(task.index)
  const sealed = part?.task === task ? part.changes.get(key) : undefined
  return sealed !== undefined ? sealed : (task.state.get(key) ?? null)
}

export function runs(process: Process): boolean {
  return process.up && !process.paused
}
