import { utf8Text } from '../core/bytes.js'
import { PositionMap } from '../core/record.js'
import { recordCursor } from '../log/cursor.js'
import type { Fetched, LogPort, RecordCursor } from '../log/port.js'
import type { Store } from '../store/store.js'
import { metaKey, type StoreMeta } from './meta.js'
import { ObjectBatch } from './object-batch.js'
import { isStandingKey, withStanding, type KnownStanding } from './standing.js'
import type { StateCodec } from './state-codec.js'
import { raised, versionIn } from './state-version.js'
import type { StateKind } from './table.js'

/** One changelog partition to apply. */
export interface ChangelogTail {
  readonly topic: string
  readonly topicId: string
  readonly kind: StateKind
  readonly stored: StateCodec
  /** Whether records of where tasks stand are among its rows. */
  readonly hasStandings: boolean
  readonly from: number
  /** Captured at takeover, uncommitted records included; the tail ends when the position reaches it. */
  readonly end: number
}

export interface RollForwardOptions {
  readonly log: LogPort
  readonly task: number
  readonly store: Store
  readonly meta: StoreMeta
  readonly tails: readonly ChangelogTail[]
  readonly signal: AbortSignal
  /** Throws when what was read may miss deletions. Asked before each write: what is written will be taken for complete. */
  readonly demandComplete: () => void
  /** Called when a batch is in the store: what it held, and how many offsets have been passed altogether. */
  readonly onApplied: (records: number, bytes: number, passed: number) => void
}

/** Bytes of changelog per store batch: large enough to spare LevelDB, small enough to be soon on disk. */
const batchBytes = 4 << 20

/**
 * Applies changelogs to a store until each position reaches its end: the *position*, since control records and compacted
 * tails are never delivered as records. Every store batch carries the offsets it is complete up to, so a crash on the way
 * costs nothing. Resolves to the new meta, or to undefined when `signal` aborted.
 */
export async function rollForward(options: RollForwardOptions): Promise<StoreMeta | undefined> {
  const { log, task, store, tails, signal } = options
  const byTopic = new Map(tails.map((tail) => [tail.topic, tail]))
  const positions = new Map(tails.map((tail) => [tail.topic, tail.from]))
  const at = (tail: ChangelogTail): number => positions.get(tail.topic) as number
  const passed = (): number => tails.reduce((sum, tail) => sum + Math.min(at(tail), tail.end) - tail.from, 0)
  const behind = (): boolean => tails.some((tail) => at(tail) < tail.end)
  if (!behind()) return options.meta

  // Rule restore-committed (integration/model).
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: batchBytes })
  fetcher.assign(
    PositionMap.of(tails.map((tail) => [tail.topic, task, tail.from] as const)).topics,
    new Map(tails.map(({ topic, topicId }) => [topic, topicId])),
  )
  let meta = options.meta
  while (behind()) {
    const answers = await fetcher.next(signal)
    if (signal.aborted) return undefined
    // Rule age-while-reading (integration/model).
    options.demandComplete()
    const batch = store.batch()
    const objects = new ObjectBatch(store, batch)
    let records = 0
    let bytes = 0
    let { versions } = meta
    let standing: KnownStanding = meta
    for (const fetched of answers) {
      const tail = byTopic.get(fetched.topic)
      if (tail === undefined) continue
      const applied = apply(fetched, tail, objects, standing)
      standing = applied.standing
      records += applied.records
      versions = raised(versions, tail.kind.name, applied.version)
      bytes += fetched.bytes.length
      positions.set(fetched.topic, fetched.to)
    }
    const { positions: inputs, topics } = standing
    const changelogs = offsetsOf(tails, positions)
    meta = { ...meta, changelogs, versions, positions: inputs, topics, clean: false }
    batch.put(metaKey, JSON.stringify(meta))
    await batch.write({ sync: false })
    options.onApplied(records, bytes, passed())
  }
  return meta
}

/** What has to be known of a changelog to apply it. */
export type AppliedTail = Pick<ChangelogTail, 'kind' | 'stored' | 'hasStandings'>

/** How many records of objects were applied, the highest version one of them has, and where the task stands then. */
export interface Applied {
  readonly records: number
  readonly version: number
  readonly standing: KnownStanding
}

/**
 * Puts what a fetch answer holds into a batch, each value with its version. That may be one which this program does not
 * know: a standby only copies.
 */
export function apply(
  fetched: Fetched,
  { kind, stored, hasStandings }: AppliedTail,
  objects: ObjectBatch,
  known: KnownStanding,
): Applied {
  const cursor = recordCursor(fetched)
  let records = 0
  let highest = 1
  let standing = known
  while (cursor.next()) {
    if (cursor.keyStart < 0) continue
    const key = utf8Text(cursor.bytes, cursor.keyStart, cursor.keyEnd)
    if (hasStandings && isStandingKey(key)) {
      standing = withStanding(standing, fetched.partition, key, valueText(cursor))
      continue
    }
    records++
    if (cursor.valueStart < 0) {
      objects.write(kind, key, null)
      continue
    }
    // Records without headers, which is the rule, share an empty map.
    const headers = cursor.headers()
    const version = headers.size === 0 ? 1 : versionIn(headers, fetched, cursor.offset)
    if (version > highest) highest = version
    objects.write(kind, key, stored.fromWire(cursor.bytes, cursor.valueStart, cursor.valueEnd, version))
  }
  return { records, version: highest, standing }
}

const valueText = ({ bytes, valueStart, valueEnd }: RecordCursor): string =>
  valueStart < 0 ? '' : utf8Text(bytes, valueStart, valueEnd)

function offsetsOf(tails: readonly ChangelogTail[], positions: ReadonlyMap<string, number>): StoreMeta['changelogs'] {
  return Object.fromEntries(
    tails.map(({ topic, topicId, from }) => [topic, { offset: positions.get(topic) ?? from, topicId }]),
  )
}
