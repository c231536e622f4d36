import { MillraceError, reasonOf } from '../../core/errors.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { allThere, awaitedOf } from '../../log/awaited.js'
import { recordCursor } from '../../log/cursor.js'
import { noHeaders } from '../../log/format/header-section.js'
import type { RecordCursor } from '../../log/port.js'
import type { InvalidPolicy } from '../../model/stream.js'
import { StopsApp } from '../stops-app.js'
import type { DeadLetter, RefusedRecord } from './dead-letters.js'
import type { Lane } from './feed.js'
import type { Format, Taken, TakenBatch } from './taken.js'

/** Read from one partition: to be written, but for what cannot be read. */
export interface Gathered extends TakenBatch {
  /** To become dead letters before the offset moves on. */
  readonly letters: readonly DeadLetter[]
  readonly skipped: number
}

export interface GathererOptions {
  readonly format: Format
  readonly onInvalid: InvalidPolicy
  readonly batchRecords: number
  readonly batchBytes: number
  readonly now: () => number
}

/** Makes batches of what is fetched of one partition. What is here is waited for no longer: a batch is what had come while the last one was written. */
export class Gatherer {
  readonly #lane: Lane
  readonly #options: GathererOptions
  /** Where the next batch begins. */
  position: number
  #cursor: RecordCursor | undefined
  /** The cursor stands on a record that had no room in the last batch. */
  #stands = false
  #records: Taken[] = []
  #letters: DeadLetter[] = []
  #skipped = 0
  #bytes = 0

  constructor(lane: Lane, options: GathererOptions) {
    this.#lane = lane
    this.#options = options
    this.position = lane.position
  }

  /** Without records where there were none to be written and the offset moves on all the same. Undefined when `signal` aborts; `waits` false: also when nothing is here. Rejects with what fetching failed with. */
  async next(signal: AbortSignal, waits = true): Promise<Gathered | undefined> {
    const from = this.position
    while (!signal.aborted) {
      if (this.#cursor === undefined) {
        const fetched = this.#lane.take()
        if (fetched === undefined) {
          if (this.position > from) return this.#gathered()
          if (!waits) return undefined
          await this.#lane.arrival(signal)
          continue
        }
        await loadCompressions(fetched.bytes)
        await allThere(awaitedOf(this.#options.format), () => recordCursor(fetched), signal)
        if (signal.aborted) return undefined
        this.#cursor = recordCursor(fetched)
      }
      if (this.#fill(this.#cursor)) return this.#gathered()
      this.#cursor = undefined
    }
    return undefined
  }

  #gathered(): Gathered {
    const gathered = {
      records: this.#records,
      letters: this.#letters,
      skipped: this.#skipped,
      nextOffset: this.position,
    }
    this.#records = []
    this.#letters = []
    this.#skipped = this.#bytes = 0
    return gathered
  }

  /** Takes records until the batch is full: true; or until there are none: false. Throws what the topic says the app stops for. */
  #fill(cursor: RecordCursor): boolean {
    const { batchRecords, batchBytes } = this.#options
    while (this.#stands || this.#advance(cursor)) {
      const size = Math.max(0, cursor.keyEnd - cursor.keyStart) + Math.max(0, cursor.valueEnd - cursor.valueStart)
      const isFirst = this.#records.length + this.#letters.length === 0
      this.#stands = !isFirst && this.#bytes + size > batchBytes
      if (this.#stands) return true
      this.#bytes += size
      this.#take(cursor)
      this.position = cursor.nextOffset
      if (this.#records.length + this.#letters.length >= batchRecords) return true
    }
    this.position = cursor.nextOffset
    return false
  }

  /** Passes over batches that cannot be read, as the topic says. */
  #advance(cursor: RecordCursor): boolean {
    const { format, now } = this.#options
    const { partition } = this.#lane
    for (;;) {
      const offset = cursor.nextOffset
      try {
        return cursor.next()
      } catch (error) {
        if (!MillraceError.is(error, 'BATCH_CORRUPT') || !cursor.skipBatch()) throw error
        const what = `${error.message} What is in this batch from ${offset} to ${cursor.nextOffset - 1} was passed over.`
        const from = { topic: format.name, partition, offset }
        const place = `${format.name}[${partition}]@${offset}`
        const record = { key: place, value: null, headers: noHeaders, timestamp: now(), from }
        this.#refuse(record, new MillraceError('BATCH_CORRUPT', what, { ...from, cause: error }))
      }
    }
  }

  #take(cursor: RecordCursor): void {
    const { format } = this.#options
    const { bytes: all, keyStart, keyEnd, valueStart, valueEnd, offset, timestamp } = cursor
    const bytes = valueStart < 0 ? null : all.subarray(valueStart, valueEnd)
    const keyBytes = keyStart < 0 ? null : all.subarray(keyStart, keyEnd)
    const section = cursor.headerSection()
    try {
      const key = keyStart < 0 ? null : format.keys.text(all, keyStart, keyEnd)
      const value = bytes === null ? null : format.codec.decode(bytes)
      this.#records.push({ offset, timestamp, key, keyBytes, bytes, headers: cursor.headers(), section, value })
    } catch (cause) {
      const from = { topic: format.name, partition: this.#lane.partition, offset }
      const record = { key: keyBytes, value: bytes, headers: section, timestamp, from }
      const what = `${from.topic}[${from.partition}]@${offset}: it cannot be read (${reasonOf(cause).replace(/\.$/, '')}).`
      this.#refuse(record, new MillraceError('VALUE_INVALID', what, { ...from, cause }))
    }
  }

  #refuse(record: RefusedRecord, error: MillraceError): void {
    const { onInvalid } = this.#options
    if (onInvalid === 'stop') throw new StopsApp(error)
    if (onInvalid === 'skip') this.#skipped++
    else this.#letters.push([record, error])
  }
}
