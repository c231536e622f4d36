import { allPartitions, PositionMap, type Headers, type TopicPartition } from '../core/record.js'
import { recordCursor } from '../log/cursor.js'
import type { HeaderSection } from '../log/format/record-headers.js'
import type { LogPort } from '../log/port.js'

/** A committed record of any topic; bytes are copies. */
export interface TailRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers
  /** As they are in the record. */
  readonly section: HeaderSection
}

/** Reads committed records of all topics as they come, each once. */
export class TopicTail {
  readonly #log: LogPort
  readonly #positions = new PositionMap()
  readonly #records = new Map<string, TailRecord[]>()
  #reading = Promise.resolve()

  constructor(log: LogPort) {
    this.#log = log
  }

  /** All records of a topic seen so far. */
  of(topic: string): readonly TailRecord[] {
    return this.#records.get(topic) ?? []
  }

  /** Reads on to what is stable now; one at a time, so that nothing is read twice. */
  readOn(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readOn())
    return this.#reading
  }

  async #readOn(): Promise<void> {
    const { admin } = this.#log
    const infos = await admin.describe(await admin.list(''))
    const all = [...infos].flatMap(([topic, info]) => allPartitions(topic, info?.partitions ?? 0))
    const ends = await admin.endOffsets(all, 'committed')
    const endOf = ({ topic, partition }: TopicPartition): number => ends.get(topic)?.get(partition) ?? 0
    const starts = await admin.startOffsets(all)
    // What was trimmed away since the last look is not an output: only inboxes are.
    const positionOf = ({ topic, partition }: TopicPartition): number =>
      Math.max(this.#positions.topics.get(topic)?.get(partition) ?? 0, starts.get(topic)?.get(partition) ?? 0)
    let behind = all.filter((at) => positionOf(at) < endOf(at))
    if (behind.length === 0) return

    await using fetcher = this.#log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: 1 << 20 })
    fetcher.assign(PositionMap.of(behind.map((at) => [at.topic, at.partition, positionOf(at)] as const)).topics)
    while (behind.length > 0) {
      for (const fetched of await fetcher.next(new AbortController().signal)) {
        const cursor = recordCursor(fetched)
        while (cursor.next()) this.#keep(fetched.topic, cursor)
        this.#positions.set(fetched.topic, fetched.partition, fetched.to)
      }
      behind = behind.filter((at) => positionOf(at) < endOf(at))
    }
  }

  #keep(topic: string, cursor: ReturnType<typeof recordCursor>): void {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp } = cursor
    const key = keyStart < 0 ? null : Buffer.from(bytes.subarray(keyStart, keyEnd))
    const headers = new Map(
      [...cursor.headers()].map(([name, each]) => [name, each === null ? null : Uint8Array.from(each)]),
    )
    const value = valueStart < 0 ? null : Uint8Array.prototype.slice.call(bytes, valueStart, valueEnd)
    const record = { topic, key, value, timestamp, headers, section: Buffer.from(cursor.headerSection()) }
    const records = this.#records.get(topic)
    if (records === undefined) this.#records.set(topic, [record])
    else records.push(record)
  }
}
