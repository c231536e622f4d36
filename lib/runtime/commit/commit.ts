import { MillraceError, reasonOf } from '../../core/errors.js'
import { PositionMap, type Positions, type TopicPartition } from '../../core/record.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { CommitChannel, FinishedBatch, Generation, OffsetNotes } from '../../log/port.js'
import { isTooLarge } from '../../log/records-refused.js'
import type { KindDefinition, PublishDefinition } from '../../model/kind.js'
import { standingRecords } from '../../state/standing.js'
import { StateRefused, type Entry, type TableChanges } from '../../state/table.js'
import type { Changelog } from '../../state/take-over.js'
import type { TaskChanges } from '../../state/task-state.js'
import type { OutgoingBatch, Outbox } from '../../turn/output/outbox.js'
import { rowKey, rowOf, type Row } from '../../turn/output/published-row.js'
import type { Task } from '../tasks/task.js'
import type { Guarantee } from '../setup/engine-options.js'
import type { Topology } from '../setup/topology.js'
import type { Marks } from './marks.js'

/** One task's part of a commit. */
export interface TaskCommit {
  readonly task: Task
  readonly positions: ReadonlyMap<string, number>
  readonly changes: TaskChanges | undefined
}

/** Everything done since the last commit, encoded and immutable: processing goes on while it is sent. */
export interface SealedCommit {
  readonly seq: number
  readonly batches: readonly OutgoingBatch[]
  readonly tasks: readonly TaskCommit[]
  readonly notes: OffsetNotes
}

/**
 * Seals what the tasks did: changed objects become changelog records and published rows. What it throws, `StateRefused`
 * for an object that cannot be kept as it is, leaves all as it was.
 */
export function seal(
  seq: number,
  tasks: Iterable<Task>,
  topology: Topology,
  outbox: Outbox,
  now: number,
  guarantee: Guarantee,
  marks: Marks,
): SealedCommit {
  const moved = [...tasks].filter((task) => task.moved)
  const prepared = moved.map((task) => {
    const changes = task.state?.changes()
    return { task, changes, rows: changes?.tables.map((table, i) => rowsOf(table, topology.kinds[i], outbox)) }
  })
  marks.write(moved, outbox, now)
  const parts = prepared.map(({ task, changes, rows }): TaskCommit => {
    // Without a transaction the last commit's: these may arrive although outputs do not.
    const positions = guarantee === 'exactly-once' ? task.positions : task.committedPositions
    writeStanding(task, positions, topology, outbox, now)
    if (changes !== undefined) {
      changes.tables.forEach((table, i) => writeChanges(table, i, task.index, topology, outbox, now, rows?.[i] ?? []))
      task.state?.seal(seq, changes)
    }
    return { task, positions: task.seal(), changes }
  })
  return { seq, batches: outbox.finish(), tasks: parts, notes: topology.notes }
}

/** Beside the state of the task; of a task that has none, beside that of another. */
function writeStanding(
  task: Task,
  positions: ReadonlyMap<string, number>,
  { standings, stateTasks, ids }: Topology,
  outbox: Outbox,
  now: number,
): void {
  if (standings === undefined) return
  const standing = { positions, topics: ids }
  for (const [key, value] of standingRecords(task.index, task.state?.standing, standing))
    outbox.add(standings, task.index % stateTasks, key, value, now)
}

type Rows = readonly Row[]

/** Of each thing that a kind publishes, the row of each changed object. */
function rowsOf({ table, entries }: TableChanges, kind: KindDefinition | undefined, outbox: Outbox): readonly Rows[] {
  return (kind?.publishes ?? []).map((publish) =>
    entries.map((entry) => {
      try {
        return rowOf(publish, table.asSealed(entry), outbox)
      } catch (cause) {
        throw new StateRefused(table, entry, cause)
      }
    }),
  )
}

/** The changelog partition is the task index, forced: state moves with its task. */
function writeChanges(
  changes: TableChanges,
  kind: number,
  task: number,
  topology: Topology,
  outbox: Outbox,
  now: number,
  rows: readonly Rows[],
): void {
  const { table, entries, values } = changes
  const { topic } = topology.changelogs[kind] as Changelog
  const publishes = topology.kinds[kind]?.publishes ?? []
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry
    const value = values[i] as string | null
    if (value === null) outbox.add(topic, task, entry.key, null, now)
    else outbox.add(topic, task, entry.key, table.stored.wire(value), now, table.stored.headers)
    for (let p = 0; p < publishes.length; p++) {
      const row = (rows[p] as Rows)[i]
      if (row === undefined) continue
      const { target } = publishes[p] as PublishDefinition
      const { name } = target
      const key = rowKey(target, entry.key)
      const count = topology.partitions.get(name) as number
      outbox.add(name, partitionOfKey(key, count), key, row, now)
    }
  }
}

/** Under which generation the offsets of a commit are sent. */
export interface Generations {
  readonly first: Generation
  /** After a refusal as of an older generation: the next one, once it is known, if the member still has all these tasks. */
  readonly successor: (refused: Generation, tasks: readonly Task[]) => Promise<Generation | undefined>
}

/**
 * Sends a sealed commit and resolves when the broker has definitely committed it, to the offset behind each task's last
 * append to each changelog. Rejects with what the channel rejects with; the channel refuses to commit after any refusal.
 */
export async function send(
  sealed: SealedCommit,
  channel: CommitChannel,
  generations: Generations,
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  await channel.begin(touched(sealed.batches), generations.first.group)
  const positions = new PositionMap()
  for (const { task, positions: ofTask } of sealed.tasks)
    for (const [topic, offset] of ofTask) positions.set(topic, task.index, offset)
  const ends = new PositionMap()
  const appends = sealed.batches.map(async (outgoing) => {
    const { topic, partition, batch } = outgoing
    const { baseOffset } = await channel.append({ topic, partition }, batch).catch((error) => refused(outgoing, error))
    ends.set(topic, partition, Math.max(baseOffset + batch.records, ends.topics.get(topic)?.get(partition) ?? 0))
  })
  await allOrWorstError([...appends, attachOffsets(sealed, positions.topics, channel, generations)])
  await channel.commit()
  return ends.topics
}

/**
 * A generation that is over when the offsets arrive is no failure yet: the transaction stays open, and they are sent again
 * under the next one if every task of the commit stayed here. Sent to a group that has moved on, they would be refused; sent
 * under a generation whose assignment is not known, they could commit for a task that is another member's.
 */
async function attachOffsets(
  { tasks, notes }: SealedCommit,
  positions: Positions,
  channel: CommitChannel,
  { first, successor }: Generations,
): Promise<void> {
  for (let generation = first; ;) {
    try {
      return await channel.offsets(generation, positions, notes)
    } catch (error) {
      if (!MillraceError.is(error, 'GENERATION_STALE')) throw error
      const touched = tasks.map(({ task }) => task)
      const next = await successor(generation, touched)
      if (next === undefined) throw error
      generation = next
    }
  }
}

/** A broker takes no batch of that size in a topic; `cause` is its refusal. */
export class BatchTooLarge extends Error {
  readonly topic: string
  readonly batch: FinishedBatch

  constructor({ topic, batch }: OutgoingBatch, cause: unknown) {
    super(reasonOf(cause), { cause })
    this.topic = topic
    this.batch = batch
  }
}

function refused(batch: OutgoingBatch, error: unknown): never {
  throw isTooLarge(error) ? new BatchTooLarge(batch, error) : error
}

/** Waits for all before it rejects, so that nothing is still under way when the commit is aborted. */
async function allOrWorstError(promises: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(promises)
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  if (errors.length > 0) throw errors.reduce((worst, error) => (gravity(error) > gravity(worst) ? error : worst))
}

/** What stops an app or takes tasks from it comes before records to be blamed, and both before what only follows from another. */
function gravity(error: unknown): number {
  if (MillraceError.is(error, 'COMMIT_ABORTED')) return 0
  return error instanceof BatchTooLarge || MillraceError.is(error, 'RECORDS_REFUSED') ? 1 : 2
}

function touched(batches: readonly OutgoingBatch[]): readonly TopicPartition[] {
  const seen = new Map(batches.map(({ topic, partition }) => [`${topic} ${partition}`, { topic, partition }]))
  return [...seen.values()]
}
