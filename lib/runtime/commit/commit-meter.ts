import { commitBytes, commitRecords, Histogram, waitSeconds } from '../../core/telemetry/histogram.js'
import type { OutgoingBatch } from '../../turn/output/outbox.js'

/** Topics that are kept apart: handlers can emit to as many as they like. */
const mostTopics = 500
const others = 'others'

/** What was written to a topic. */
export interface Written {
  records: number
  bytes: number
}

/** What commits have come to, since the start. Counted once per commit. */
export class CommitMeter {
  /** Seconds from the seal to the answer of the broker. */
  readonly took = new Histogram(waitSeconds)
  readonly records = new Histogram(commitRecords)
  readonly bytes = new Histogram(commitBytes)
  /** By topic, in commits that were made. */
  readonly written = new Map<string, Written>()
  /** By the monotonic clock, milliseconds; the start of the app before the first. */
  lastAt: number
  /** Since when there is something that is not committed; undefined when there is nothing. */
  pendingSince: number | undefined

  constructor(now: number) {
    this.lastAt = now
  }

  /** `pendingSince`: of what has been done since it was sealed. */
  committed(batches: readonly OutgoingBatch[], sealedAt: number, now: number, pendingSince: number | undefined): void {
    const [records, bytes] = sizeOf(batches)
    for (const { topic, batch } of batches) {
      const written = this.#of(topic)
      written.records += batch.records
      written.bytes += batch.bytes.length
    }
    this.took.add((now - sealedAt) / 1_000)
    this.records.add(records)
    this.bytes.add(bytes)
    this.lastAt = now
    this.pendingSince = pendingSince
  }

  #of(topic: string): Written {
    const name = this.written.has(topic) || this.written.size < mostTopics ? topic : others
    let written = this.written.get(name)
    if (written === undefined) this.written.set(name, (written = { records: 0, bytes: 0 }))
    return written
  }
}

export function sizeOf(batches: readonly OutgoingBatch[]): readonly [records: number, bytes: number] {
  let [records, bytes] = [0, 0]
  for (const { batch } of batches) {
    records += batch.records
    bytes += batch.bytes.length
  }
  return [records, bytes]
}
