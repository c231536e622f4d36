import { MillraceError } from '../../core/errors.js'
import type { RecordInfo } from '../../core/record.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { RecordCursor } from '../../log/port.js'
import type { InputDefinition, KindDefinition } from '../../model/kind.js'
import { inboxTopic } from '../../model/names.js'
import { paths, type Push, type SourcePath } from '../../model/paths.js'
import { timedTopics, usesEventTime, type Program } from '../../model/program.js'
import type { FlowDefinition, TopicNode } from '../../model/stream.js'
import type { Table } from '../../state/table.js'
import type { Agenda } from '../../turn/due/agenda.js'
import { deliver, recordWork } from '../../turn/deliver.js'
import type { Failures } from '../../turn/failing/failures.js'
import { keyBytes, valueBytes } from '../../turn/kept/form.js'
import { packHop } from '../../turn/output/hop.js'
import type { Outbox } from '../../turn/output/outbox.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import type { Turns } from '../../turn/turns.js'
import type { Origin } from '../../turn/running/work.js'
import type { Task } from '../tasks/task.js'

/** What the pipeline reads and counts while a record passes. Set by whoever hands it records; never kept. */
export interface Passage {
  readonly outbox: Outbox
  /** Of topics, as far as they are known. */
  readonly partitions: ReadonlyMap<string, number>
  readonly turns: Turns
  readonly failures: Failures
  /** The task whose record it is. */
  task: Task
  /** Stands on the record. */
  cursor: RecordCursor
  /** The commit that will carry the effects. */
  seq: number
  hops: number
  dropped: number
}

/** All that happens to the values of one source topic, fused at start. */
export interface SourcePlan {
  readonly topic: TopicNode
  readonly pushes: readonly Push[]
  /** The ways that records without a value go; undefined when none does. */
  readonly tombstones: readonly Push[] | undefined
  /** Whether its timestamps are event time to someone. */
  readonly timed: boolean
}

/** A kind's inputs by the id that hopped records carry. */
export interface InboxPlan {
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly inputs: ReadonlyMap<string, TurnSource>
  readonly timed: boolean
}

export interface Pipeline {
  readonly sources: ReadonlyMap<string, SourcePlan>
  readonly inboxes: ReadonlyMap<string, InboxPlan>
}

/** Fuses a program into one function list per source topic. */
export function pipeline(
  app: string,
  program: Program,
  sources: ReadonlyMap<string, ReadonlyMap<string, TurnSource>>,
  stateTasks: number,
  passage: Passage,
): Pipeline {
  const plans = new Map<string, { pushes: Push[]; tombstones: Push[]; timed: boolean }>()
  const add = (path: SourcePath, sink: Push, timed: boolean): void => {
    const { name } = path.topic
    const plan = plans.get(name) ?? { pushes: [], tombstones: [], timed: false }
    plans.set(name, plan)
    const push = path.fuse(sink)
    plan.pushes.push(push)
    if (path.tombstones) plan.tombstones.push(push)
    plan.timed ||= timed
  }
  program.kinds.forEach((kind, kindIndex) => {
    for (const input of kind.inputs) {
      for (const path of paths(input.from)) {
        const source = sources.get(kind.name)?.get(input.id) as TurnSource
        const sink = { app, kindIndex, input, source, stateTasks, changed: path.changed }
        add(path, turnSink(sink, passage), timedTopics(kind).includes(path.topic.name))
      }
    }
  })
  for (const flow of program.flows) for (const path of paths(flow.from)) add(path, flowSink(flow, passage), false)
  return {
    sources: new Map(
      program.sources.map((topic) => {
        const { pushes = [], tombstones = [], timed = false } = plans.get(topic.name) ?? {}
        return [topic.name, { topic, pushes, tombstones: tombstones.length === 0 ? undefined : tombstones, timed }]
      }),
    ),
    inboxes: new Map(
      program.kinds.map((kind, kindIndex) => [
        inboxTopic(app, kind.name),
        {
          kind,
          kindIndex,
          inputs: sources.get(kind.name) ?? new Map<string, TurnSource>(),
          timed: usesEventTime(kind),
        },
      ]),
    ),
  }
}

interface TurnSink {
  readonly app: string
  readonly kindIndex: number
  readonly input: InputDefinition
  readonly source: TurnSource
  readonly stateTasks: number
  readonly changed: boolean
}

/**
 * Routes a value to its object. In place iff the key's partition is this task's; nothing else enters the decision (see
 * the route rule in ARCHITECTURE.md). An object in this task's table belongs here, so a cache hit spares the hash.
 */
function turnSink({ app, kindIndex, input, source, stateTasks, changed }: TurnSink, passage: Passage): Push {
  const extract = input.key as (value: unknown, record: RecordInfo) => string | null
  const { kind } = source
  const inbox = inboxTopic(app, kind.name)
  const isWindowed = kind.window !== undefined
  const isShuffled = input.route === 'shuffle'
  const origin: Origin = { original: () => ({ bytes: valueBytes(passage.cursor), changed }) }
  return (value, record) => {
    const key = extract(value, record)
    if (key === null) {
      passage.dropped++
      return
    }
    const { agenda, index } = passage.task
    const table = isShuffled ? undefined : agenda?.state.tables[kindIndex]
    const entry = isWindowed ? undefined : table?.cached(key)
    if (entry !== undefined)
      return passage.turns.run(recordWork(source, agenda as Agenda, table as Table, entry, value, record, origin))
    checkKey(key, input, record)
    const partition = partitionOfKey(key, stateTasks)
    // Rule route-in-place (integration/model).
    if (table !== undefined && partition === index) {
      const delivery = { source, agenda: agenda as Agenda, table, key, value, record, origin, letter: undefined }
      return deliver(delivery, passage.turns, passage.failures)
    }
    if (input.route === 'aligned') throw mismatch(input, key, partition, record)
    const original = changed ? undefined : (valueBytes(passage.cursor) ?? undefined)
    const hop = packHop(input.id, value, original, record)
    passage.outbox.add(inbox, partition, key, hop.value, record.timestamp, hop.headers)
    passage.hops++
  }
}

/** What nothing looks at goes on as the bytes that it is: headers, and the key where no function gives another. */
function flowSink({ target, key }: FlowDefinition, passage: Passage): Push {
  const keyOf = key as ((value: unknown, record: RecordInfo) => string | null) | undefined
  return (value, record) => {
    passage.outbox.route(
      target.name,
      passage.partitions.get(target.name),
      keyOf === undefined ? keyBytes(passage.cursor) : keyOf(value, record),
      value === null ? null : target.codec.encode(value),
      record.timestamp,
      passage.cursor.headerSection(),
    )
  }
}

function checkKey(key: unknown, input: InputDefinition, record: RecordInfo): asserts key is string {
  if (typeof key === 'string') return
  const { topic, partition, offset } = record
  throw new MillraceError(
    'EXTRACTOR_FAILED',
    `${topic}[${partition}]@${offset}: the key extractor of ${input.id} gave ${typeof key}, it must give a string, or null to drop the record`,
    {
      topic,
      partition,
      offset: Number(offset),
    },
  )
}

function mismatch(input: InputDefinition, key: string, partition: number, record: RecordInfo): MillraceError {
  const { topic, offset } = record
  return new MillraceError(
    'ROUTE_MISMATCH',
    `${topic}[${record.partition}]@${offset}: key '${key}' belongs to partition ${partition}, and input ${input.id} is 'aligned'. Let the producer partition by this key, or use route: 'auto'.`,
    { topic, partition: record.partition, offset: Number(offset), key },
  )
}
