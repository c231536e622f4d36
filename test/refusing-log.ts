import { recordCursor } from '../lib/log/cursor.js'
import type { CommitChannel, FinishedBatch, LogPort } from '../lib/log/port.js'
import { recordsRefused } from '../lib/log/records-refused.js'
import type { TopicPartition } from '../lib/core/record.js'

/** A record on its way into a topic. */
export interface Appended extends TopicPartition {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export interface RefusingOptions {
  /** Whether answers name the records. @default true */
  readonly names?: boolean
  /** Refuses batches of more records in one of these topics, whatever they are. */
  readonly most?: { readonly records: number; readonly topics: readonly string[] }
  /** Kafka's, of `RECORDS_REFUSED`. @default 87 */
  readonly brokerCode?: number
}

/** A log whose broker refuses a batch when there is something in it that `refuses` says yes to. */
export function refusingLog(
  log: LogPort,
  refuses: (record: Appended) => boolean,
  options: RefusingOptions = {},
): LogPort {
  const open = (channel: CommitChannel): CommitChannel => new RefusingChannel(channel, refuses, options)
  return {
    kind: log.kind,
    get trouble() {
      return log.trouble
    },
    admin: log.admin,
    join: (of) => log.join(of),
    fetcher: (of) => log.fetcher(of),
    transactions: async (of) => open(await log.transactions(of)),
    idempotent: async () => open(await log.idempotent()),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}

class RefusingChannel implements CommitChannel {
  readonly id: string
  readonly #channel: CommitChannel
  readonly #refuses: (record: Appended) => boolean
  readonly #options: RefusingOptions
  #failed = false

  constructor(channel: CommitChannel, refuses: (record: Appended) => boolean, options: RefusingOptions) {
    this.id = channel.id
    this.#channel = channel
    this.#refuses = refuses
    this.#options = options
  }

  begin(...args: Parameters<CommitChannel['begin']>): Promise<void> {
    this.#failed = false
    return this.#channel.begin(...args)
  }

  async append(at: TopicPartition, batch: FinishedBatch): ReturnType<CommitChannel['append']> {
    const { names = true, brokerCode = 87, most } = this.#options
    const refused = recordsIn(at, batch).flatMap((record, place) => (this.#refuses(record) ? [place] : []))
    const isTooLarge = most?.topics.includes(at.topic) === true && batch.records > most.records
    if (refused.length === 0 && !isTooLarge) return this.#channel.append(at, batch)
    this.#failed = true
    if (isTooLarge) throw recordsRefused(at, batch.bytes.length, { brokerCode: 10, why: null, records: [] })
    const records = names ? refused.map((place) => [place, 'it will not have it'] as const) : []
    throw recordsRefused(at, batch.bytes.length, { brokerCode, why: null, records })
  }

  offsets(...args: Parameters<CommitChannel['offsets']>): Promise<void> {
    return this.#channel.offsets(...args)
  }

  commit(): Promise<void> {
    // As the port demands: after a failed part commit is out of reach.
    if (this.#failed) throw new Error('commit was called after an append had failed')
    return this.#channel.commit()
  }

  abort(): Promise<void> {
    return this.#channel.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel[Symbol.asyncDispose]()
  }
}

function recordsIn({ topic, partition }: TopicPartition, { bytes, records }: FinishedBatch): readonly Appended[] {
  const cursor = recordCursor({
    topic,
    partition,
    bytes,
    from: 0,
    to: records,
    isolation: 'all',
    aborted: [],
    highWatermark: records,
    lastStableOffset: records,
  })
  const found: Appended[] = []
  while (cursor.next()) {
    const text = (start: number, end: number): string | null =>
      start < 0 ? null : cursor.bytes.toString('utf8', start, end)
    const { timestamp, keyStart, keyEnd, valueStart, valueEnd } = cursor
    found.push({ topic, partition, timestamp, key: text(keyStart, keyEnd), value: text(valueStart, valueEnd) })
  }
  return found
}
