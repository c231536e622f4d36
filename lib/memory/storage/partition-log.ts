import { MillraceError } from '../../core/errors.js'
import type { Offset, TopicPartition } from '../../core/record.js'
import { recordCountAt } from '../../log/format/batch-header.js'
import type { Fetched, Isolation } from '../../log/port.js'
import { stampBaseOffset, controlBatch } from '../../log/format/stamp.js'
import { AbortedTransactions } from './aborted-transactions.js'
import { Segments, type Place } from './segments.js'

export interface StoredBatch extends Place {
  readonly baseOffset: Offset
  readonly nextOffset: Offset
  /** From when compaction may remove its tombstones, in milliseconds since the epoch; undefined before the first pass. */
  readonly tombstonesUntil?: number
}

/** The log of one partition: real record batches, with their base offsets, and who has a transaction open in it. */
export class PartitionLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly aborted = new AbortedTransactions()
  /** Called after anything a waiting reader may care about. */
  readonly watchers = new Set<() => void>()
  #batches: StoredBatch[] = []
  #segments = new Segments()
  #startOffset: Offset = 0
  #endOffset: Offset = 0
  #bytes = 0
  /** First offset by producer id; in order of first offsets, since offsets only grow. */
  readonly #open = new Map<bigint, Offset>()

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get startOffset(): Offset {
    return this.#startOffset
  }

  /** The high watermark: in one process everything is replicated at once. */
  get endOffset(): Offset {
    return this.#endOffset
  }

  /** The first offset of the oldest open transaction, or the end. */
  get stableOffset(): Offset {
    const first = this.oldestOpen?.[1]
    return first === undefined ? this.#endOffset : Math.max(first, this.#startOffset)
  }

  /** Whose transaction has been open here for longest, and its first offset. */
  get oldestOpen(): readonly [producerId: bigint, first: Offset] | undefined {
    for (const open of this.#open) return open
    return undefined
  }

  get bytes(): number {
    return this.#bytes
  }

  get batches(): readonly StoredBatch[] {
    return this.#batches
  }

  /** Appends a stamped batch; with `transaction`, as part of the transaction of that producer. */
  append(batch: Uint8Array, transaction?: bigint): Offset {
    const baseOffset = this.#endOffset
    if (transaction !== undefined && !this.#open.has(transaction)) this.#open.set(transaction, baseOffset)
    this.#store(batch)
    this.#changed()
    return baseOffset
  }

  /** Ends a producer's transaction here with a control batch, which takes an offset of its own. */
  decide(type: 'commit' | 'abort', producerId: bigint, producerEpoch: number, timestamp: number): void {
    const first = this.#open.get(producerId)
    if (first !== undefined && type === 'abort') this.aborted.add({ producerId, first, last: this.#endOffset })
    this.#open.delete(producerId)
    this.#store(controlBatch(type, producerId, producerEpoch, timestamp))
    this.#changed()
  }

  /** What there is from an offset on, in one view; undefined at the end. Throws `OFFSET_OUT_OF_RANGE`. */
  read(from: Offset, isolation: Isolation, maxBytes: number): Fetched | undefined {
    this.#demandInRange(from)
    const limit = isolation === 'all' ? this.#endOffset : this.stableOffset
    let index = this.#indexOf(from)
    const first = this.#batches[index]
    if (first === undefined || first.baseOffset >= limit) return undefined
    let last = first
    for (;;) {
      const next = this.#batches[++index]
      if (next === undefined || next.baseOffset >= limit || next.bytes !== first.bytes) break
      if (next.end - first.start > maxBytes) break
      last = next
    }
    return {
      topic: this.topic,
      partition: this.partition,
      bytes: first.bytes.subarray(first.start, last.end),
      from,
      to: last.nextOffset,
      isolation,
      aborted: isolation === 'all' ? [] : this.aborted.within(from, last.nextOffset),
      highWatermark: this.#endOffset,
      lastStableOffset: this.stableOffset,
    }
  }

  /** DeleteRecords. Below the start there is nothing to do; throws `OFFSET_OUT_OF_RANGE` beyond the end. */
  trim(before: Offset): void {
    if (before > this.#endOffset) this.#outOfRange(before)
    if (before <= this.#startOffset) return
    this.#startOffset = before
    const dropped = this.#batches.splice(0, this.#indexOf(before))
    for (const batch of dropped) this.#bytes -= batch.end - batch.start
    this.aborted.forgetBelow(before)
    this.#changed()
  }

  /** Puts what compaction kept in the place of all batches below `limit`. */
  replaceBelow(limit: Offset, kept: readonly StoredBatch[]): void {
    const rest = this.#batches.slice(this.#indexOf(limit))
    this.#batches = [...kept.filter((batch) => batch.nextOffset > this.#startOffset), ...rest]
    this.#bytes = this.#batches.reduce((sum, batch) => sum + batch.end - batch.start, 0)
    this.aborted.forgetBelow(limit)
  }

  #store(batch: Uint8Array): void {
    const place = this.#segments.append(batch)
    const baseOffset = this.#endOffset
    const nextOffset = baseOffset + recordCountAt(place.bytes, place.start)
    stampBaseOffset(place.bytes, place.start, baseOffset)
    this.#batches.push({ ...place, baseOffset, nextOffset })
    this.#endOffset = nextOffset
    this.#bytes += batch.length
  }

  #changed(): void {
    for (const watcher of this.watchers) watcher()
  }

  /** Of the first batch that ends behind an offset. */
  #indexOf(offset: Offset): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#batches[middle]!.nextOffset > offset) high = middle
      else low = middle + 1
    }
    return low
  }

  #demandInRange(offset: Offset): void {
    if (offset < this.#startOffset || offset > this.#endOffset) this.#outOfRange(offset)
  }

  #outOfRange(offset: Offset): never {
    const { topic, partition } = this
    throw new MillraceError(
      'OFFSET_OUT_OF_RANGE',
      `${topic}[${partition}]: offset ${offset} is not between its start ${this.#startOffset} and its end ${this.#endOffset}. ` +
        'It was trimmed, or it belongs to another topic of that name.',
      { topic, partition, offset },
    )
  }
}
