import type { TopicPartition } from '../../lib/core/record.js'
import type { LogPort } from '../../lib/log/port.js'

/** What lies in partitions, aborted and control records included. */
export interface RawRecords {
  /** Data records, aborted ones too. */
  records: number
  /** Producer ids with an ABORT marker. */
  readonly aborted: Set<bigint>
  /** Data records in transactions that were aborted. */
  abortedRecords: number
  /** ABORT markers. */
  aborts: number
  commits: number
}

/** Counts by batch headers alone: nothing of how our reader tells what is visible is used. */
export async function rawRecords(log: LogPort, partitions: readonly TopicPartition[]): Promise<RawRecords> {
  const starts = await log.admin.startOffsets(partitions)
  const ends = await log.admin.endOffsets(partitions, 'all')
  const found: RawRecords = { records: 0, aborted: new Set(), abortedRecords: 0, aborts: 0, commits: 0 }
  for (const { topic, partition } of partitions) {
    const start = starts.get(topic)?.get(partition) ?? 0
    const end = ends.get(topic)?.get(partition) ?? 0
    if (start === end) continue
    /** Records of each producer since its last marker. */
    const open = new Map<bigint, number>()
    await using fetcher = log.fetcher({ isolation: 'all', purpose: 'restore', maxBytes: 4 << 20 })
    fetcher.assign(new Map([[topic, new Map([[partition, start]])]]))
    for (let at = start; at < end;) {
      for (const { bytes, from, to } of await fetcher.next(new AbortController().signal)) {
        count(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), from, found, open)
        at = to
      }
    }
  }
  return found
}

/** Field positions: https://kafka.apache.org/documentation/#recordbatch */
function count(bytes: Buffer, from: number, found: RawRecords, open: Map<bigint, number>): void {
  for (let at = 0; at + 61 <= bytes.length;) {
    const length = 12 + bytes.readInt32BE(at + 8)
    if (at + length > bytes.length) return
    const isControl = (bytes.readInt16BE(at + 21) & 0x20) !== 0
    const last = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23)
    // A fetch may begin inside a batch.
    if (last >= from) {
      const producer = bytes.readBigInt64BE(at + 43)
      if (!isControl) {
        const records = bytes.readInt32BE(at + 57)
        found.records += records
        open.set(producer, (open.get(producer) ?? 0) + records)
      } else {
        // The one record of a control batch: five bytes up to its key, which is a version and a type, 0 for ABORT.
        if (bytes.readInt16BE(at + 68) === 0) {
          found.aborts++
          found.aborted.add(producer)
          found.abortedRecords += open.get(producer) ?? 0
        } else found.commits++
        open.delete(producer)
      }
    }
    at += length
  }
}
