import { MillraceError } from '../../core/errors.js'
import type { Json } from '../../connect/json.js'
import type { SourceBatch, SourceRecord } from '../../connect/source.js'

/** Where a program is: its last STATE, and when it ended behind it, if it did. */
export type TapPosition = {
  readonly state?: Json
  /** Milliseconds since the epoch. */
  readonly endedAt?: number
}

export type TapBatch = SourceBatch<TapPosition>

/** Records are batched while there are others to be read anyway, up to so many. */
const fullBatch = 1_000
/** An object each, beside their bytes. */
const recordOverhead = 200

/** Makes batches of records and STATEs: what is given out ends with a STATE, unless records need not wait for one. */
export class TapBatches {
  readonly #waits: boolean
  readonly #maxHeldBytes: number
  readonly #who: string
  #position: TapPosition
  /** Before the last STATE. */
  #ready: SourceRecord[] = []
  #isReady = false
  /** Behind it. */
  #open: SourceRecord[] = []
  #openBytes = 0
  /** Of what was read, which lives as long as a record that is a part of it. */
  #heldBytes = 0
  #lastRead: ArrayBufferLike | undefined

  constructor(who: string, position: TapPosition, options: { readonly waits: boolean; readonly maxHeldBytes: number }) {
    this.#who = who
    this.#position = position.state === undefined ? {} : { state: position.state }
    this.#waits = options.waits
    this.#maxHeldBytes = options.maxHeldBytes
  }

  /** There are enough for a batch. */
  get isFull(): boolean {
    return this.#ready.length + (this.#waits ? 0 : this.#open.length) >= fullBatch
  }

  record(record: SourceRecord, bytes: number): void {
    this.#open.push(record)
    this.#openBytes += bytes + recordOverhead
    if (this.#waits) this.#hold(record)
    if (!this.#waits || this.#openBytes <= this.#maxHeldBytes) return
    throw new MillraceError(
      'CHILD_FAILED',
      `${this.#who}: ${this.#open.length} records without a STATE, of more than maxHeldBytes (${this.#maxHeldBytes}). Let it say STATE more often, or set beforeState: 'commit'`,
    )
  }

  /** Where records are a small part of what was read, such as those of one stream of many, they are copied out of it. */
  #hold({ bytes }: SourceRecord): void {
    if (bytes === undefined || bytes === null || bytes.buffer === this.#lastRead) return
    this.#lastRead = bytes.buffer
    this.#heldBytes += bytes.buffer.byteLength
    if (this.#heldBytes <= Math.max(this.#maxHeldBytes, 2 * this.#openBytes)) return
    this.#open = this.#open.map((each) => (each.bytes ? { ...each, bytes: Buffer.from(each.bytes) } : each))
    this.#heldBytes = this.#openBytes
    this.#lastRead = undefined
  }

  state(state: Json): void {
    this.#position = { state }
    this.#isReady = true
    this.#ready = this.#ready.length === 0 ? this.#open : this.#ready.concat(this.#open)
    this.#open = []
    this.#openBytes = this.#heldBytes = 0
    this.#lastRead = undefined
  }

  /** What can be committed by now; undefined when that is nothing. */
  take(): TapBatch | undefined {
    if (!this.#waits && this.#open.length > 0) {
      this.#ready = this.#ready.concat(this.#open)
      this.#open = []
      this.#openBytes = 0
      this.#isReady = true
    }
    if (!this.#isReady) return undefined
    const records = this.#ready
    this.#ready = []
    this.#isReady = false
    return { records, position: this.#position }
  }

  /** It has ended as it should: records behind the last STATE are whole too. */
  end(endedAt: number): TapBatch {
    const records = this.#ready.concat(this.#open)
    return { records, position: { ...this.#position, endedAt } }
  }
}
