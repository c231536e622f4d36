import type { Transaction } from '../broker/transactions.js'
import type { Input, Key, ObjectState, Output, Source, SourceRecord } from '../world.js'

/** A local store: what a disk holds of one task. Survives a crash. */
export interface Store {
  readonly data: Map<Key, ObjectState>
  /** Of the changelog, up to which `data` is complete. */
  offset: number
  /** When it last stood at the end of its changelog. */
  at: number
}

/** A committed part that the store does not have yet. */
export interface Pinned {
  readonly changes: ReadonlyMap<Key, ObjectState | null>
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
}

/** What a commit holds of one task. */
export interface Part {
  readonly task: Task
  readonly changes: Map<Key, ObjectState | null>
  readonly outputs: Output[]
  readonly hops: { readonly to: number; readonly record: SourceRecord }[]
  /** Set when sealed. */
  positions: readonly number[]
  /** Behind its append to the changelog. */
  end: number
}

/** A buffer: the one that is filled, and, once sealed, the one under way. */
export interface Commit {
  readonly parts: Map<number, Part>
  /** Which tasks records crossed between. */
  readonly links: [number, number][]
  tx: Transaction | undefined
  /** Produce requests not yet sent. */
  sends: (() => string)[]
  offsets: ReadonlyMap<Input, number>
  /** The broker has accepted the offsets. */
  accepted: boolean
  /** The offsets were refused for their generation: it waits for the assignment. */
  refused: boolean
  /** EndTxn was sent; its answer comes later. */
  ended: boolean
}

export interface Process {
  readonly id: number
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
  // The producer: `producer` tells one from another.
  producer: number
  fenced: boolean
  lastTx: Transaction | undefined
  // The tasks.
  tasks: Map<number, Task>
  current: Commit
  inFlight: Commit | undefined
  /** Partitions per topic, as of its metadata. */
  partitionCounts: readonly number[]
  /** Starts so far. */
  incarnation: number
  /** Records to be replayed one at a time, and what only memory knows to be quarantined. */
  careful: Set<SourceRecord>
  quarantine: Set<Key>
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
    partitionCounts: [],
    incarnation: 0,
    careful: new Set(),
    quarantine: new Set(),
    late: [],
  }
}

export function newCommit(): Commit {
  return {
    parts: new Map(),
    links: [],
    tx: undefined,
    sends: [],
    offsets: new Map(),
    accepted: false,
    refused: false,
    ended: false,
  }
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
  }
}

/** The current buffer's part of a task. */
export function partOf(process: Process, task: Task): Part {
  const existing = process.current.parts.get(task.index)
  if (existing !== undefined) return existing
  const part: Part = { task, changes: new Map(), outputs: [], hops: [], positions: [], end: 0 }
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

/** One of the tasks, by a drawn number. */
export function pick<T>(from: readonly T[], x: number): T | undefined {
  return from.length === 0 ? undefined : from[x % from.length]
}
