import { HeldSize } from '../../core/held-size.js'
import { kindOf } from '../../core/record-checks.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { RecordInfo } from '../../core/record.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { InputDefinition } from '../../model/kind.js'
import { inboxTopic } from '../../model/names.js'
import { mostValues, tooMany, type Push, type SourcePath } from '../../model/paths.js'
import type { Table } from '../../state/table.js'
import type { Agenda } from '../../turn/due/agenda.js'
import { deliver, recordWork } from '../../turn/deliver.js'
import { carriedRecord } from '../../turn/kept/carried.js'
import type { TurnSource } from '../../turn/kept/turn-source.js'
import type { Origin } from '../../turn/running/work.js'
import { Hops } from './hops.js'
import type { Passage } from './passage.js'

/** `turn`: one in this task, or one in each window of the record. `more`: something that is written for other tasks or readers. */
export type Lead = 'turn' | 'more' | 'nothing'

/** Where the values of a path end. All throw `RecordRefused` before anything of the value has had an effect. */
export interface Sink {
  readonly take: Push
  /** What a value would lead to; does nothing. Throws as `take` does. */
  readonly leadsTo: (value: unknown, record: RecordInfo) => Lead
  /** Does all that can be refused; what it gives does the rest. `element`: which of those that the record becomes it is. */
  readonly prepare: (value: unknown, record: RecordInfo, element: number) => () => void
  /** Values of a record will be prepared one by one. */
  readonly begin?: () => void
  /** All values of a record have been taken that were prepared one by one. */
  readonly end?: (record: RecordInfo) => void
}

/** Where one value becomes several, all of them are prepared before the first is taken: a record is refused as a whole. */
export function allOrNone(path: SourcePath, { prepare, end, begin }: Sink, use: () => void): Push {
  let prepared: (() => void)[] = []
  let held: HeldSize | undefined
  const each = path.fuse((value, record) => {
    const { length } = prepared
    if (length === mostValues) throw tooMany('the stream')
    if (length >= unmeasured && holdsTooMuch((held ??= new HeldSize(mostHeldBytes)), value)) throw tooMuch()
    prepared.push(prepare(value, record, length))
  }, use)
  return (value, record) => {
    prepared = []
    held = undefined
    begin?.()
    each(value, record)
    try {
      for (const take of prepared) take()
    } finally {
      end?.(record)
    }
  }
}

/** Values of a record of which it does not matter how large they are. */
const unmeasured = 64
/** What all values of one record may hold together, and what flows may write for them. */
export const mostHeldBytes = 64 << 20

function holdsTooMuch(held: HeldSize, value: unknown): boolean {
  held.add(value)
  return held.isTooMuch
}

export function tooMuch(): RecordRefused {
  const what = `the stream made more than ${mostHeldBytes >> 20} MiB of values of one record`
  return new RecordRefused('STEP_FAILED', `${what}. Let it end, or split the record where it is produced.`)
}

export interface TurnSinkOptions {
  readonly app: string
  readonly kindIndex: number
  readonly input: InputDefinition
  readonly source: TurnSource
  readonly stateTasks: number
  /** Which of the ways from the topic into the input leads here. */
  readonly way: number
}

/**
 * Routes a value to its object. In place iff the key's partition is this task's; nothing else enters the decision (see
 * the route rule in ARCHITECTURE.md). An object in this task's table belongs here, so a cache hit spares the hash.
 */
export function turnSink(options: TurnSinkOptions, passage: Passage): Sink {
  const { app, kindIndex, input, source, stateTasks, way } = options
  const { kind } = source
  const extract = input.key as (value: unknown, record: RecordInfo) => unknown
  const hops = new Hops(inboxTopic(app, kind.name), source.id, way, passage)
  const isWindowed = kind.window !== undefined
  const isShuffled = input.route === 'shuffle'
  /** `element`: which of the values of the record it is. */
  const originOf = (element: number): Origin => ({
    carry: ({ record }) => {
      const carried = carriedRecord(record, passage.cursor, record.timestamp)
      return { source: source.id, record: carried, way, element, letter: undefined }
    },
  })
  const first = originOf(0)

  const isOf = (key: string, task: number): boolean => key.isWellFormed() && partitionOfKey(key, stateTasks) === task

  const extracted = (value: unknown, record: RecordInfo): unknown => {
    try {
      return extract(value, record)
    } catch (cause) {
      throw RecordRefused.by('STEP_FAILED', `the key extractor of ${input.id}`, cause)
    }
  }

  const isInPlace = (key: string): boolean =>
    !isShuffled &&
    passage.task.agenda?.state.tables[kindIndex] !== undefined &&
    partitionOfKey(key, stateTasks) === passage.task.index

  const prepared = (
    extracted: unknown,
    value: unknown,
    record: RecordInfo,
    element: number | undefined,
  ): (() => void) => {
    if (extracted === null) return () => void passage.counts.now.dropped++
    const key = demandExtracted(extracted, input)
    const { agenda, index } = passage.task
    const table = isShuffled ? undefined : agenda?.state.tables[kindIndex]
    const partition = partitionOfKey(key, stateTasks)
    // Rule route-in-place (integration/model).
    if (table !== undefined && partition === index) {
      const origin = element === undefined ? first : originOf(element)
      const delivery = { source, agenda: agenda as Agenda, table, key, value, record, origin, letter: undefined }
      return () => {
        passage.used = true
        deliver(delivery, passage.turns, passage.failures)
      }
    }
    if (input.route === 'aligned') throw mismatch(input, key, partition)
    return element === undefined
      ? hops.prepared(partition, key, record)
      : hops.preparedOne(partition, key, element, record)
  }

  return {
    take(value, record) {
      const key = extracted(value, record)
      const { agenda, index } = passage.task
      const table = isShuffled || isWindowed ? undefined : agenda?.state.tables[kindIndex]
      // What is in the table has been found legal before.
      const entry =
        table === undefined || typeof key !== 'string'
          ? undefined
          : (table.cached(key) ?? (isOf(key, index) ? table.load(key) : undefined))
      if (entry === undefined) return prepared(key, value, record, undefined)()
      passage.used = true
      passage.turns.run(recordWork(source, agenda as Agenda, table as Table, entry, value, record, first))
    },
    leadsTo(value, record) {
      const key = extracted(value, record)
      if (key === null) return 'nothing'
      return isInPlace(demandExtracted(key, input)) ? 'turn' : 'more'
    },
    prepare: (value, record, element) => prepared(extracted(value, record), value, record, element),
    end: (record) => hops.sendCollected(record),
  }
}

function demandExtracted(key: unknown, input: InputDefinition): string {
  if (typeof key === 'string' && key.isWellFormed()) return key
  const what = typeof key === 'string' ? 'text with half a surrogate pair, which has no UTF-8 form' : kindOf(key)
  throw new RecordRefused(
    'EXTRACTOR_FAILED',
    `the key extractor of ${input.id} gave ${what}; it must give a string, or null to drop the record`,
  )
}

function mismatch(input: InputDefinition, key: string, partition: number): RecordRefused {
  return new RecordRefused(
    'ROUTE_MISMATCH',
    `key '${key}' belongs to partition ${partition}, and input ${input.id} is 'aligned'. Let the producer partition by this key, or use route: 'auto'.`,
    { key },
  )
}
