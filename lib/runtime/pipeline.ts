import type { Codec } from '../codec/codec.js'
import { MillraceError } from '../core/errors.js'
import type { RecordInfo } from '../core/record.js'
import { partitionOfKey } from '../log/murmur2.js'
import type { RecordCursor } from '../log/port.js'
import { inboxTopic } from '../model/names.js'
import { paths, type Push } from '../model/paths.js'
import type { Program } from '../model/program.js'
import type { InputDefinition, KindDefinition } from '../model/state-object.js'
import type { FlowDefinition, TopicNode } from '../model/stream.js'
import type { Table } from '../state/table.js'
import { packHop } from './hop.js'
import type { Outbox } from './outbox.js'
import type { Task } from './task.js'
import { runTurn } from './turn.js'
import type { TurnSurroundings } from './turn.js'

/** What the pipeline reads and counts while a record passes. Set by whoever hands it records; never kept. */
export interface Passage extends TurnSurroundings {
  readonly outbox: Outbox
  /** The task whose record it is. */
  task: Task
  /** Stands on the record. */
  cursor: RecordCursor
  /** The commit that will carry the effects. */
  seq: number
  turns: number
  hops: number
  dropped: number
}

/** All that happens to the values of one source topic, fused at start. */
export interface SourcePlan {
  readonly topic: TopicNode
  readonly pushes: readonly Push[]
}

/** A kind's input by the id that hopped records carry. */
export interface InboxPlan {
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly inputs: ReadonlyMap<string, InboxInput>
}
export interface InboxInput {
  readonly input: InputDefinition
  /** Reads values that hopped in their original form, by source topic. */
  readonly codecs: ReadonlyMap<string, Codec<unknown>>
}

export interface Pipeline {
  readonly sources: ReadonlyMap<string, SourcePlan>
  readonly inboxes: ReadonlyMap<string, InboxPlan>
}

/** Fuses a program into one function list per source topic. */
export function pipeline(app: string, program: Program, stateTasks: number, passage: Passage): Pipeline {
  const pushes = new Map(program.sources.map((topic) => [topic.name, [] as Push[]]))
  program.kinds.forEach((kind, kindIndex) => {
    for (const input of kind.inputs) {
      for (const path of paths(input.from)) {
        const sink = turnSink({ app, kind, kindIndex, input, stateTasks, changed: path.changed }, passage)
        pushes.get(path.topic.name)?.push(path.fuse(sink))
      }
    }
  })
  for (const flow of program.flows) {
    for (const path of paths(flow.from)) pushes.get(path.topic.name)?.push(path.fuse(flowSink(flow, passage)))
  }
  return {
    sources: new Map(program.sources.map((topic) => [topic.name, { topic, pushes: pushes.get(topic.name) ?? [] }])),
    inboxes: new Map(
      program.kinds.map((kind, kindIndex) => [
        inboxTopic(app, kind.name),
        { kind, kindIndex, inputs: inboxInputs(kind) },
      ]),
    ),
  }
}

interface TurnSink {
  readonly app: string
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly input: InputDefinition
  readonly stateTasks: number
  readonly changed: boolean
}

/**
 * Routes a value to its object. In place iff the key's partition is this task's; nothing else enters the decision (see
 * the route rule in ARCHITECTURE.md). An object in this task's table belongs here, so a cache hit spares the hash.
 */
function turnSink({ app, kind, kindIndex, input, stateTasks, changed }: TurnSink, passage: Passage): Push {
  const extract = input.key as (value: unknown, record: RecordInfo) => string | null
  const inbox = inboxTopic(app, kind.name)
  const { route } = input
  return (value, record) => {
    const key = extract(value, record)
    if (key === null) {
      passage.dropped++
      return
    }
    const { task } = passage
    const table = route === 'shuffle' ? undefined : task.state?.tables[kindIndex]
    const entry = table?.cached(key)
    if (entry !== undefined) return turn(kind, input, table as Table, entry, value, record, passage)
    checkKey(key, input, record)
    const partition = partitionOfKey(key, stateTasks)
    // Rule route-in-place (integration/model).
    if (table !== undefined && partition === task.index)
      return turn(kind, input, table, table.load(key), value, record, passage)
    if (route === 'aligned') throw mismatch(input, key, partition, record)
    const { bytes, valueStart, valueEnd } = passage.cursor
    const hop = packHop(input.id, value, changed ? undefined : bytes.subarray(valueStart, valueEnd), record)
    passage.outbox.add(inbox, partition, key, hop.value, record.timestamp, hop.headers)
    passage.hops++
  }
}

type TableEntry = ReturnType<Table['load']>

export function turn(
  kind: KindDefinition,
  input: InputDefinition,
  table: Table,
  entry: TableEntry,
  value: unknown,
  record: RecordInfo,
  passage: Passage,
): void {
  runTurn(kind, input, entry, value, record, passage)
  table.changed(entry, passage.seq)
  passage.turns++
}

function flowSink({ target, key }: FlowDefinition, passage: Passage): Push {
  const keyOf = (key ?? ((_value: never, record: RecordInfo) => record.key)) as (
    value: unknown,
    record: RecordInfo,
  ) => string | null
  return (value, record) => {
    const headers = record.headers.size > 0 ? record.headers : undefined
    passage.outbox.route(
      target.name,
      passage.partitions.get(target.name),
      keyOf(value, record),
      target.codec.encode(value),
      record.timestamp,
      headers,
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

function inboxInputs(kind: KindDefinition): ReadonlyMap<string, InboxInput> {
  return new Map(
    kind.inputs.map((input) => [
      input.id,
      { input, codecs: new Map(paths(input.from).map(({ topic }) => [topic.name, topic.codec])) },
    ]),
  )
}
