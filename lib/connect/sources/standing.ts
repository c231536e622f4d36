import { utf8Text } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { offsetOf, PositionMap, type TopicPartition } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { LogPort } from '../../log/port.js'
import type { Json } from '../json.js'

/**
 * Where a partition of a source stands: one row of `<app>-<source>-positions` by the name of the partition, and rows with the last ids
 * beside it. A name's rows lie where its hash says, so connectors may list their partitions in any order, and add some. Whoever adds
 * partitions to the topic moves that place, so a row says of how many it went: then the others are looked through too.
 */
export interface Standing {
  /** Undefined when nothing was committed, or no batch has had a position. */
  readonly position: Json | undefined
  /** Commits so far: of two rows of one name the one with more counts. */
  readonly commits: number
  readonly ids: readonly (readonly [number: number, ids: readonly string[]])[]
  readonly nextIds: number
  /** Its rows lie where they are not looked for any more once there is one in the right place. */
  readonly isElsewhere: boolean
}

export const nothing: Standing = { position: undefined, commits: 0, ids: [], nextIds: 0, isElsewhere: false }

const version = 1

interface Row {
  readonly v: number
  readonly commits: number
  readonly of: number
  readonly ids: readonly [first: number, next: number]
  readonly position?: Json
}

export const standingKey = (partition: string): string => JSON.stringify([partition])
export const idsKey = (partition: string, number: number): string => JSON.stringify([partition, number])

export function standingText(
  commits: number,
  of: number,
  ids: readonly [first: number, next: number],
  position: string | undefined,
): string {
  const last = position === undefined ? '' : `,"position":${position}`
  return `{"v":${version},"commits":${commits},"of":${of},"ids":[${ids.join()}]${last}}`
}

export const standingPlace = (partition: string, partitions: number): number =>
  partitionOfKey(standingKey(partition), partitions)

/**
 * Reads where a partition of a source stands. Whoever may have written it must have been fenced; the open transactions of others in
 * the same partition of the topic are waited for. Resolves to undefined when `signal` aborts.
 */
export async function readStanding(
  log: LogPort,
  topic: string,
  partitions: number,
  partition: string,
  signal: AbortSignal,
): Promise<Standing | undefined> {
  const place = standingPlace(partition, partitions)
  const own = new RowsOf(topic, partition)
  if (!(await readAll(log, [{ topic, partition: place }], own, signal))) return undefined
  if (own.row?.of === partitions || partitions === 1) return own.standing
  const others = Array.from({ length: partitions }, (_, each) => ({ topic, partition: each }))
  const all = new RowsOf(topic, partition)
  if (!(await readAll(log, others, all, signal))) return undefined
  return { ...all.standing, isElsewhere: true }
}

/** Rows of one name, of all partitions that were read. */
class RowsOf {
  readonly #topic: string
  readonly #name: string
  readonly #prefix: Buffer
  readonly #ids = new Map<number, Map<number, readonly string[]>>()
  /** The one that counts, and where it lies. */
  row: Row | undefined
  #place = 0

  constructor(topic: string, name: string) {
    this.#topic = topic
    this.#name = name
    // Keys of others are not decoded.
    this.#prefix = Buffer.from(standingKey(name).slice(0, -1))
  }

  see(place: number, key: Buffer, value: string | undefined): void {
    if (key.compare(this.#prefix, 0, this.#prefix.length, 0, Math.min(key.length, this.#prefix.length)) !== 0) return
    const [name, number] = JSON.parse(key.toString()) as readonly [string, number?]
    if (name !== this.#name) return
    if (number !== undefined) return this.#seeIds(place, number, value)
    if (value === undefined) return
    const row = JSON.parse(value) as Row
    if (row.v !== version) {
      const what = `${this.#topic}: the position of partition '${name}' was written by a newer version of this library, in format ${row.v}`
      throw new MillraceError('STATE_NEWER', `${what}. Run that version.`, { topic: this.#topic, partition: place })
    }
    if (this.row !== undefined && row.commits < this.row.commits) return
    this.row = row
    this.#place = place
  }

  #seeIds(place: number, number: number, value: string | undefined): void {
    let ids = this.#ids.get(place)
    if (ids === undefined) this.#ids.set(place, (ids = new Map()))
    if (value === undefined) ids.delete(number)
    else ids.set(number, JSON.parse(value) as readonly string[])
  }

  get standing(): Standing {
    if (this.row === undefined) return nothing
    const { position, commits, ids } = this.row
    const [first, next] = ids
    const rows = [...(this.#ids.get(this.#place) ?? [])].filter(([number]) => number >= first && number < next)
    return { position, commits, ids: rows.sort(([a], [b]) => a - b), nextIds: next, isElsewhere: false }
  }
}

/** Of one answer. */
const maxBytes = 1 << 20

/** False when `signal` aborts. */
async function readAll(
  log: LogPort,
  at: readonly TopicPartition[],
  rows: RowsOf,
  signal: AbortSignal,
): Promise<boolean> {
  // Up to the very end: what is committed may stand behind the beginning of an open transaction of another partition.
  const ends = await log.admin.endOffsets(at, 'all')
  const starts = await log.admin.startOffsets(at)
  const left = new PositionMap()
  for (const { topic, partition } of at) {
    const start = offsetOf(starts, topic, partition) ?? 0
    if (start < (offsetOf(ends, topic, partition) ?? 0)) left.set(topic, partition, start)
  }
  if (left.size === 0) return true
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(left.topics)
  for (let open = left.size; open > 0;) {
    const answers = await fetcher.next(signal)
    if (signal.aborted) return false
    for (const fetched of answers) {
      const { topic, partition, to, bytes } = fetched
      await loadCompressions(bytes)
      const cursor = recordCursor(fetched)
      while (cursor.next()) {
        if (cursor.keyStart < 0) continue
        const { valueStart, valueEnd, offset } = cursor
        const value = valueStart < 0 ? undefined : utf8Text(cursor.bytes, valueStart, valueEnd)
        try {
          rows.see(partition, cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd), value)
        } catch (cause) {
          if (MillraceError.is(cause)) throw cause
          const what = `${topic}[${partition}]@${offset} is no position of a source (${reasonOf(cause)}): has something else written there?`
          throw new MillraceError('STATE_UNREADABLE', what, { topic, partition, offset, cause })
        }
      }
      const end = offsetOf(ends, topic, partition) ?? 0
      const before = offsetOf(left.topics, topic, partition) ?? end
      if (before < end && to >= end) open--
      left.set(topic, partition, to)
    }
  }
  return true
}
