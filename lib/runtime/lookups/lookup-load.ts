import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { allPartitions, offsetOf, PositionMap, type Positions } from '../../core/record.js'
import { allThere, awaitedOf } from '../../log/awaited.js'
import { recordCursor } from '../../log/cursor.js'
import type { LogPort, TopicInfo } from '../../log/port.js'
import type { TopicNode } from '../../model/stream.js'
import { LookupCopy, type OnRefused } from './lookup-copy.js'

/** Of one partition in one answer: what is applied between two turns of the event loop, some 5 ms. */
export const maxLookupBytes = 256 << 10

export interface LookupLoad {
  readonly log: LogPort
  readonly clock: Clock
  readonly node: TopicNode
  readonly signal: AbortSignal
  readonly onRefused: OnRefused
  /** So many records were applied; `passed` of `total` offsets are behind it. */
  readonly onProgress: (records: number, passed: number, total: number) => void
}

/**
 * Reads a table from the beginning until in each partition the position has reached the end captured first. Begins again
 * when the topic is truncated meanwhile. Resolves to undefined when `signal` aborted. Rejects with `TOPIC_MISSING`, and with
 * what `onRefused` throws.
 */
export async function loadLookup(load: LookupLoad): Promise<LookupCopy | undefined> {
  const { log, node, signal } = load
  const topic = node.name
  while (!signal.aborted) {
    const info = (await log.admin.describe([topic])).get(topic)
    if (info === undefined) {
      const what = `topic '${topic}', a lookup table, does not exist any more. Create it, compacted, and start again.`
      throw new MillraceError('TOPIC_MISSING', what, { topic })
    }
    try {
      return await read(load, info)
    } catch (error) {
      if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) throw error
    }
  }
  return undefined
}

async function read(
  { log, clock, node, signal, onRefused, onProgress }: LookupLoad,
  info: TopicInfo,
): Promise<LookupCopy | undefined> {
  const { name } = node
  const partitions = allPartitions(name, info.partitions)
  const ends = await log.admin.endOffsets(partitions, 'committed')
  const starts = await log.admin.startOffsets(partitions)
  if (signal.aborted) return undefined
  const awaited = awaitedOf(node)
  const copy = new LookupCopy(node, info, onRefused)
  for (const { partition } of partitions) copy.positions.set(partition, offsetOf(starts, name, partition) ?? 0)
  const total = distance(name, starts, ends)

  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: maxLookupBytes })
  fetcher.assign(
    PositionMap.of([...copy.positions].map(([partition, at]) => [name, partition, at] as const)).topics,
    new Map([[name, copy.id]]),
  )
  let left = total
  while (left > 0) {
    let records = 0
    for (const fetched of await fetcher.next(signal)) {
      await allThere(awaited, () => recordCursor(fetched), signal)
      if (signal.aborted) return undefined
      records += copy.apply(fetched)
      await clock.breathe()
    }
    if (signal.aborted) return undefined
    left = distance(name, new Map([[name, copy.positions]]), ends)
    onProgress(records, total - left, total)
  }
  copy.complete()
  return copy
}

/** Offsets between positions and ends, over the partitions of a topic. */
function distance(topic: string, positions: Positions, ends: Positions): number {
  let sum = 0
  for (const [partition, end] of ends.get(topic) ?? [])
    sum += Math.max(0, end - (offsetOf(positions, topic, partition) ?? 0))
  return sum
}
