import type { Clock } from '../../core/clock.js'
import type { Offset } from '../../core/record.js'
import { recordCountAt } from '../../log/format/batch-header.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { RecordCursor } from '../../log/port.js'
import { keepRecords } from '../../log/rewrite.js'
import type { PartitionLog, StoredBatch } from './partition-log.js'
import { Segments } from './segments.js'

/** How long a pass works before the event loop may turn. */
const sliceMs = 4

/**
 * One pass of log compaction: of each key, below the last stable offset, the latest record stays. Tombstones stay until a
 * pass that comes `tombstonesMs` after the first that met them. Aborted records go, and all markers with them: an abort
 * marker without its records hides nothing, and nobody reads commit markers. The last batch below the last stable offset
 * always stays, so that a reader's position reaches the end.
 */
export async function compactLog(log: PartitionLog, clock: Clock, tombstonesMs: number): Promise<void> {
  const limit = cleanableEnd(log)
  const breathe = slices(clock)
  const latest = await latestRecords(log, limit, breathe)
  const now = clock.now()
  const segments = new Segments()
  const kept: StoredBatch[] = []
  for (const batch of log.batches.filter(({ nextOffset }) => nextOffset <= limit)) {
    await breathe()
    const { bytes, start, baseOffset, nextOffset, tombstonesUntil = now + tombstonesMs } = batch
    const tombstonesGo = batch.tombstonesUntil !== undefined && now >= batch.tombstonesUntil
    const left = keepRecords(bytes.subarray(0, batch.end), start, (offset) =>
      tombstonesGo ? latest.values.has(offset) : latest.values.has(offset) || latest.tombstones.has(offset),
    )
    if (recordCountAt(left, 0) === 0) continue
    kept.push({ ...segments.append(left), baseOffset, nextOffset, tombstonesUntil })
  }
  log.replaceBelow(limit, kept)
}

/** Where the last batch below the last stable offset begins. */
function cleanableEnd(log: PartitionLog): Offset {
  const stable = log.stableOffset
  return log.batches.findLast(({ nextOffset }) => nextOffset <= stable)?.baseOffset ?? log.startOffset
}

/** Offsets of the latest record of each key. */
interface LatestRecords {
  readonly values: ReadonlySet<Offset>
  readonly tombstones: ReadonlySet<Offset>
}

async function latestRecords(log: PartitionLog, limit: Offset, breathe: () => Promise<void>): Promise<LatestRecords> {
  const values = new Map<string, Offset>()
  const tombstones = new Map<string, Offset>()
  let from = log.startOffset
  while (from < limit) {
    const fetched = log.read(from, 'committed', 64 * 1024)
    if (fetched === undefined) break
    await loadCompressions(fetched.bytes)
    const cursor = recordCursor(fetched)
    while (cursor.next()) {
      if (cursor.keyStart < 0) continue
      const [latest, other] = cursor.valueStart < 0 ? [tombstones, values] : [values, tombstones]
      const key = keyOf(cursor)
      latest.set(key, cursor.offset)
      other.delete(key)
    }
    await breathe()
    // Trimming may have overtaken.
    from = Math.max(fetched.to, log.startOffset)
  }
  return { values: new Set(values.values()), tombstones: new Set(tombstones.values()) }
}

/** Bytes as a string of characters up to 255: equal exactly when the bytes are. */
function keyOf({ bytes, keyStart, keyEnd }: RecordCursor): string {
  return bytes.toString('latin1', keyStart, keyEnd)
}

/** Lets the event loop turn when a slice is used up. */
function slices(clock: Clock): () => Promise<void> {
  let began = clock.elapsed()
  return async () => {
    if (clock.elapsed() - began < sliceMs) return
    await clock.breathe()
    began = clock.elapsed()
  }
}
