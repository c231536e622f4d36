import type { Offset } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import { isControl, maxTimestampAt } from '../../log/format/batch-header.js'
import type { PartitionLog } from './partition-log.js'

/** The first record that has a timestamp or a later one, as brokers find it; undefined when there is none. */
export async function offsetAt(log: PartitionLog, timestampMs: number): Promise<Offset | undefined> {
  const { topic, partition, startOffset: from, endOffset: highWatermark, stableOffset: lastStableOffset } = log
  for (const { bytes, start, end, nextOffset: to } of log.batches) {
    if (to <= from || isControl(bytes, start) || maxTimestampAt(bytes, start) < timestampMs) continue
    const batch = bytes.subarray(start, end)
    await loadCompressions(batch)
    const place = { topic, partition, from, to, highWatermark, lastStableOffset }
    const cursor = recordCursor({ ...place, bytes: batch, isolation: 'all', aborted: [] })
    while (cursor.next()) if (cursor.timestamp >= timestampMs) return cursor.offset
  }
  return undefined
}
