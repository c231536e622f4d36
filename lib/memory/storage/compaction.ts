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
    const left = keepRecords(bytes.subarray(0, batch.end), start, tombstonesGo ? latest.isValue : latest.isLatest)
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

/** Which offsets have the latest record of a key: a bit for each, since a set of them takes as long as reading the records. */
class LatestRecords {
  readonly #start: Offset
  readonly #latest: Uint8Array
  readonly #tombstones: ReadonlySet<Offset>

  constructor(start: Offset, end: Offset, latest: Iterable<Offset>, tombstones: ReadonlySet<Offset>) {
    this.#start = start
    this.#latest = new Uint8Array(Math.ceil((end - start) / 8))
    this.#tombstones = tombstones
    for (const offset of latest) {
      const place = offset - start
      this.#latest[place >> 3] = (this.#latest[place >> 3] as number) | (1 << (place & 7))
    }
  }

  readonly isLatest = (offset: Offset): boolean => {
    const place = offset - this.#start
    return ((this.#latest[place >> 3] as number) & (1 << (place & 7))) !== 0
  }

  readonly isValue = (offset: Offset): boolean => this.isLatest(offset) && !this.#tombstones.has(offset)
}

async function latestRecords(log: PartitionLog, limit: Offset, breathe: () => Promise<void>): Promise<LatestRecords> {
  const { startOffset } = log
  const latest = new Map<string, Offset>()
  const tombstones = new Set<Offset>()
  let from = startOffset
  while (from < limit) {
    const fetched = log.read(from, 'committed', 64 * 1024)
    if (fetched === undefined) break
    await loadCompressions(fetched.bytes)
    const cursor = recordCursor(fetched)
    while (cursor.next()) {
      if (cursor.keyStart < 0) continue
      latest.set(keyOf(cursor), cursor.offset)
      if (cursor.valueStart < 0) tombstones.add(cursor.offset)
    }
    await breathe()
    // Trimming may have overtaken.
    from = Math.max(fetched.to, log.startOffset)
  }
  return new LatestRecords(startOffset, from, latest.values(), tombstones)
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
