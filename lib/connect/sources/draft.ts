import { MillraceError } from '../../core/errors.js'
import { RecordRefused } from '../../core/record-refused.js'
import { batchLimit } from '../../log/batch-rules.js'
import type { LetterContent } from '../../log/letter-headers.js'
import { partitionOfKey } from '../../log/murmur2.js'
import { StopsApp } from '../stops-app.js'
import type { GivenBatch } from './batch-check.js'
import type { IdWindow } from './id-window.js'
import { batched, cut, type Entry, type Outgoing, type TakenBatch } from './outgoing.js'
import { atOf, contentOf, contentOfChecked, sourceLetter } from './letters.js'
import { checkedRecord, idOf } from './record-check.js'
import { placeOf, type Setting, type SourceTopics } from './setting.js'

/** Records without a key go on to the next partition after so many bytes: spread, and still in large batches. */
const stickyBytes = 16 * 1024
/** Around one record, about. */
const framing = 30

export interface DraftCounts {
  records: number
  duplicates: number
  deadLetters: number
  skipped: number
}

/** Where records without a key go; from commit to commit. */
export interface Keyless {
  partition: number
  bytes: number
}

/** What one commit writes of a partition of a source. */
export class Draft {
  readonly batches: TakenBatch[] = []
  readonly counts: DraftCounts = { records: 0, duplicates: 0, deadLetters: 0, skipped: 0 }
  /** As JSON, of the last batch that had one. */
  position: string | undefined
  bytes = 0
  /** Batches and records that were added, whatever became of them: each takes memory. */
  given = 0
  readonly #setting: Setting
  readonly #topics: SourceTopics
  readonly #partition: string
  readonly #ids: IdWindow
  readonly #keyless: Keyless
  readonly #entries = new Map<number, Entry[]>()
  readonly #letters: LetterContent[] = []

  constructor(setting: Setting, topics: SourceTopics, partition: string, ids: IdWindow, keyless: Keyless) {
    this.#setting = setting
    this.#topics = topics
    this.#partition = partition
    this.#ids = ids
    this.#keyless = keyless
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  /** Whether there is anything to write: a batch may be empty, or hold what was written before. */
  get hasNews(): boolean {
    const { records, deadLetters, skipped } = this.counts
    return this.position !== undefined || records + deadLetters + skipped > 0
  }

  /** Throws for a record that the topic says stops the app. */
  add({ records, position, ack }: GivenBatch): void {
    const batch: TakenBatch = { ack, refused: new Map() }
    for (let place = 0; place < records.length; place++) this.#addRecord(batch, records[place], place)
    this.batches.push(batch)
    this.given += 1 + records.length
    if (position !== undefined) this.position = position
  }

  #addRecord(batch: TakenBatch, record: unknown, place: number): void {
    let id: string | undefined
    try {
      id = idOf(record)
      if (id !== undefined && this.#ids.size > 0) {
        if (this.#ids.has(id)) {
          this.counts.duplicates++
          return
        }
        this.#ids.add(id)
      }
      const checked = checkedRecord(this.#setting, record)
      this.#put({ ...checked, batch, place, id, at: atOf(record) })
    } catch (error) {
      const refusal = error instanceof RecordRefused ? error : RecordRefused.because(error, 'RECORD_INVALID')
      this.#refuse(batch, place, refusal, contentOf(this.#setting, record), atOf(record), id)
    }
  }

  #put(entry: Entry): void {
    const { key, value } = entry
    const size = (key?.length ?? 0) + (value?.length ?? 0) + framing
    const partition = key === null ? this.#nextKeyless(size) : partitionOfKey(key, this.#topics.into.partitions)
    const entries = this.#entries.get(partition)
    if (entries === undefined) this.#entries.set(partition, [entry])
    else entries.push(entry)
    this.bytes += size
    this.counts.records++
  }

  #nextKeyless(size: number): number {
    const keyless = this.#keyless
    if (keyless.bytes >= stickyBytes) {
      keyless.partition++
      keyless.bytes = 0
    }
    keyless.bytes += size
    return keyless.partition % this.#topics.into.partitions
  }

  #refuse(
    batch: TakenBatch,
    place: number,
    refusal: RecordRefused,
    content: LetterContent,
    at: string | undefined,
    id: string | undefined,
  ): void {
    const { into } = this.#setting
    const where = `${placeOf(this.#setting, this.#partition)}${at === undefined ? '' : `, ${at}`}`
    const error = new MillraceError(refusal.code, `${where}: ${refusal.message}`, {
      ...refusal.facts,
      topic: into.name,
    })
    if (into.onInvalid === 'stop') throw new StopsApp(error)
    batch.refused.set(place, refusal.message)
    if (into.onInvalid === 'skip') {
      this.counts.skipped++
      return
    }
    const toPartition = content.key === null ? 0 : partitionOfKey(content.key, this.#topics.into.partitions)
    const letter = sourceLetter(this.#setting, this.#topics.letters, content, error, {
      partition: this.#partition,
      at,
      id,
      toPartition,
    })
    this.#letters.push(letter)
    this.bytes += (letter.key?.length ?? 0) + (letter.value?.length ?? 0) + letter.headers.length
    this.counts.deadLetters++
  }

  /** The records, with at most so many in a batch. */
  outgoing(most: number): readonly Outgoing[] {
    const { into, rules } = this.#setting
    const limit = batchLimit(rules.of(into.name))
    return [...this.#entries].flatMap(([partition, entries]) => [...cut(into.name, partition, entries, limit, most)])
  }

  /** The dead letters. */
  letters(timestamp: number, place: number): readonly Outgoing[] {
    const { letters: topic, letterPartitions } = this.#topics
    const at = { topic, partition: place % letterPartitions }
    return batched(this.#setting.rules.of(topic), at, timestamp, this.#letters)
  }

  /** A broker has refused these: they take the way of those that cannot be encoded. */
  refuse(entries: readonly Entry[], why: MillraceError): void {
    const refused = new Set(entries)
    for (const [partition, all] of this.#entries)
      this.#entries.set(
        partition,
        all.filter((entry) => !refused.has(entry)),
      )
    for (const entry of refused) {
      this.counts.records--
      const refusal = new RecordRefused(why.code, why.message, { cause: why })
      const { batch, place, at, id } = entry
      this.#refuse(batch, place, refusal, contentOfChecked(entry), at, id)
    }
  }

  /** What has been written need not be sent again. */
  sent(entries: readonly Entry[]): void {
    const done = new Set(entries)
    for (const [partition, all] of this.#entries)
      this.#entries.set(
        partition,
        all.filter((entry) => !done.has(entry)),
      )
  }

  lettersSent(): void {
    this.#letters.length = 0
  }
}
