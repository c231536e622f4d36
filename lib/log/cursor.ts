import { asBuffer } from '../core/bytes.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import {
  attribute,
  attributesAt,
  baseOffsetAt,
  baseTimestampAt,
  batchEnd,
  headerBytes,
  lastOffsetDeltaAt,
  maxTimestampAt,
  nextOffsetAt,
  recordCountAt,
} from './format/batch-header.js'
import { commitFilter, type CommitFilter } from './commit-filter.js'
import { inflate } from './compression/compression.js'
import { sectionIn } from './format/header-section.js'
import { readHeaders, type HeaderSection } from './format/record-headers.js'
import type { Headers, Offset } from '../core/record.js'
import type { Fetched, RecordCursor } from './port.js'

/**
 * Walks the records of a fetch answer that its reader may see: no control records, none below `from`, and with isolation
 * `committed` none of aborted transactions. A batch that the answer cut off ends the walk silently. Codecs of compressed
 * batches must be loaded: see `loadCompressions`.
 *
 * `next` throws `BATCH_CORRUPT` with topic, partition and offset, or `COMPRESSION_UNAVAILABLE`; the CRC is not checked
 * here: fetched batches are checked as they arrive (`kafka/reading/fetch-answers.ts`).
 */
export function recordCursor(fetched: Fetched): RecordCursor {
  return new BatchWalk(fetched)
}

class BatchWalk implements RecordCursor {
  offset = -1
  timestamp = NaN
  bytes: Buffer
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  nextOffset: Offset

  readonly #fetched: Fetched
  readonly #answer: Buffer
  readonly #filter: CommitFilter | undefined
  /** Of the next batch in the answer. */
  #batchAt = 0
  #behindBatch: Offset
  // Of the batch being walked:
  #recordsLeft = 0
  #recordAt = 0
  #headersAt = 0
  #recordsEnd = 0
  #baseOffset = 0
  #lastOffsetDelta = 0
  #baseTimestamp = NaN
  /** With log append time all records have the batch's; else NaN. */
  #appendTime = NaN

  constructor(fetched: Fetched) {
    this.#fetched = fetched
    this.bytes = this.#answer = asBuffer(fetched.bytes)
    this.nextOffset = this.#behindBatch = fetched.from
    this.#filter = commitFilter(fetched)
  }

  /** Varints are inlined: 21 ns a record of 100 bytes, against 29 with a `VarintReader` and the same checks. */
  next(): boolean {
    for (;;) {
      if (this.#recordsLeft === 0) {
        if (this.#enterBatch()) continue
        this.nextOffset = this.#behindBatch
        return false
      }
      const bytes = this.bytes
      let at = this.#recordAt
      let byte = bytes[at++]!
      let field = byte & 127
      for (let shift = 7; byte > 127; shift += 7) field |= ((byte = bytes[at++]!) & 127) << shift
      const end = at + ((field >>> 1) ^ -(field & 1))
      // Reads behind the end give undefined, which ends every loop; the record's own end is checked before it counts.
      if (!(end <= this.#recordsEnd && end > at)) throw this.#damaged('a record reaches beyond its batch')
      at++

      byte = bytes[at++]!
      let delta = byte & 127
      for (let scale = 128; byte > 127; scale *= 128) delta += ((byte = bytes[at++]!) & 127) * scale
      const isOdd = delta % 2 === 1

      byte = bytes[at++]!
      field = byte & 127
      for (let shift = 7; byte > 127; shift += 7) field |= ((byte = bytes[at++]!) & 127) << shift
      const offsetDelta = (field >>> 1) ^ -(field & 1)
      if (offsetDelta >>> 0 > this.#lastOffsetDelta) throw this.#damaged(`an offset delta of ${offsetDelta}`)

      byte = bytes[at++]!
      field = byte & 127
      for (let shift = 7; byte > 127; shift += 7) field |= ((byte = bytes[at++]!) & 127) << shift
      const keySize = (field >>> 1) ^ -(field & 1)
      const keyStart = at
      if (keySize > 0) at += keySize
      if (keySize < -1 || at >= end) throw this.#damaged(`a key of ${keySize} bytes`)

      byte = bytes[at++]!
      field = byte & 127
      for (let shift = 7; byte > 127; shift += 7) field |= ((byte = bytes[at++]!) & 127) << shift
      const valueSize = (field >>> 1) ^ -(field & 1)
      const valueStart = at
      if (valueSize > 0) at += valueSize
      if (valueSize < -1 || at >= end) throw this.#damaged(`a value of ${valueSize} bytes`)

      this.#recordAt = end
      this.#recordsLeft--
      const offset = this.#baseOffset + offsetDelta
      if (offset < this.#fetched.from) continue
      this.offset = offset
      this.nextOffset = offset + 1
      this.timestamp = Number.isNaN(this.#appendTime)
        ? this.#baseTimestamp + (isOdd ? -(delta + 1) / 2 : delta / 2)
        : this.#appendTime
      this.keyStart = keySize < 0 ? -1 : keyStart
      this.keyEnd = keySize < 0 ? -1 : keyStart + keySize
      this.valueStart = valueSize < 0 ? -1 : valueStart
      this.valueEnd = valueSize < 0 ? -1 : at
      this.#headersAt = at
      return true
    }
  }

  headers(): Headers {
    try {
      return readHeaders(this.bytes, this.#headersAt, this.#recordAt)
    } catch (error) {
      throw this.#damaged(reasonOf(error), this.offset)
    }
  }

  headerSection(): HeaderSection {
    try {
      return sectionIn(this.bytes, this.#headersAt, this.#recordAt)
    } catch (error) {
      throw this.#damaged(reasonOf(error), this.offset)
    }
  }

  skipBatch(): boolean {
    if (this.nextOffset >= this.#behindBatch) return false
    this.#recordsLeft = 0
    this.nextOffset = this.#behindBatch
    return true
  }

  /** Moves to the next complete batch, which may turn out to have nothing to see; false when there is none. */
  #enterBatch(): boolean {
    const answer = this.#answer
    const at = this.#batchAt
    const end = this.#endOfBatch(at)
    if (end < 0) return false
    this.#batchAt = end
    this.#behindBatch = Math.max(this.#behindBatch, nextOffsetAt(answer, at))
    if (this.#filter?.hides(answer, at, end) === true) return true
    const attributes = attributesAt(answer, at)
    if ((attributes & attribute.control) !== 0 || nextOffsetAt(answer, at) <= this.#fetched.from) return true

    const records = recordCountAt(answer, at)
    this.#baseOffset = baseOffsetAt(answer, at)
    this.#lastOffsetDelta = lastOffsetDeltaAt(answer, at)
    if (records < 0) throw this.#damaged(`a count of ${records} records`)
    this.#baseTimestamp = baseTimestampAt(answer, at)
    this.#appendTime = (attributes & attribute.logAppendTime) === 0 ? NaN : maxTimestampAt(answer, at)
    const codec = attributes & attribute.codec
    if (records === 0) return true
    this.bytes = codec === 0 ? answer : this.#inflated(codec, at + headerBytes, end)
    this.#recordAt = codec === 0 ? at + headerBytes : 0
    this.#recordsEnd = codec === 0 ? end : this.bytes.length
    this.#recordsLeft = records
    return true
  }

  #endOfBatch(at: number): number {
    try {
      return batchEnd(this.#answer, at)
    } catch (error) {
      this.#baseOffset = this.#behindBatch
      throw this.#damaged(reasonOf(error), this.#behindBatch)
    }
  }

  #inflated(codec: number, start: number, end: number): Buffer {
    try {
      return inflate(codec, this.#answer.subarray(start, end))
    } catch (error) {
      if (MillraceError.is(error, 'COMPRESSION_UNAVAILABLE')) throw error
      throw this.#damaged(reasonOf(error))
    }
  }

  #damaged(what: string, offset = Math.max(this.#baseOffset, this.nextOffset)): MillraceError {
    const { topic, partition } = this.#fetched
    return new MillraceError(
      'BATCH_CORRUPT',
      `${topic}[${partition}]@${offset}: ${what}. The bytes were damaged on their way or on the broker's disk; read them with kafka-dump-log, and reset the offset to go on behind them.`,
      { topic, partition, offset },
    )
  }
}
