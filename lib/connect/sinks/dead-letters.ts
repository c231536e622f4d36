import type { Clock } from '../../core/clock.js'
import type { MillraceError } from '../../core/errors.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { maxBatchBytes, type BatchRule } from '../../log/batch-rules.js'
import { errorHeaders, fittingLetter, own, type LetterContent } from '../../log/letter-headers.js'
import type { CommitChannel, FinishedBatch, LogPort } from '../../log/port.js'
import { misfit } from '../../log/record-size.js'
import { deadLetterTopic } from '../../model/names.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { letterTopic } from '../letter-topic.js'
import type { RunnerOptions } from '../runner.js'

/** What could not be read, or is refused by the target. */
export interface RefusedRecord {
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | null
  readonly headers: HeaderSection
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly from: { readonly topic: string; readonly partition: number; readonly offset: number }
}

/** With what is wrong with it. */
export type DeadLetter = readonly [RefusedRecord, MillraceError]

export interface DeadLettersOptions extends Pick<RunnerOptions, 'app' | 'version' | 'replicationFactor'> {
  readonly log: LogPort
  readonly clock: Clock
  readonly sink: string
}

/** The dead letters of a sink. */
export class DeadLetters {
  readonly #options: DeadLettersOptions
  readonly topic: string
  #partitions = 1
  #rule: BatchRule = { maxBytes: 0, roundBytes: 0, compression: 'none' }
  /** What the topic is has to be looked up: it may have been deleted, or take less than before. */
  #isStale = true
  #channel: CommitChannel | undefined
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(options: DeadLettersOptions) {
    this.#options = options
    this.topic = deadLetterTopic(options.app)
  }

  /** Makes the topic when it is missing. */
  static async open(options: DeadLettersOptions): Promise<DeadLetters> {
    const letters = new DeadLetters(options)
    await letters.#look()
    return letters
  }

  /** Resolves when all are acknowledged. Rejects with what the log refuses: then some may have been written. */
  async write(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return
    const writing = this.#last.then(() => this.#write(letters))
    this.#last = writing.catch(() => undefined)
    await writing
  }

  async close(): Promise<void> {
    await this.#last
    await this.#drop()
  }

  async #look(): Promise<void> {
    const { log, replicationFactor } = this.#options
    const { partitions, configs } = await letterTopic(log.admin, this.topic, replicationFactor)
    const maxBytes = maxBatchBytes(configs)
    this.#partitions = partitions
    this.#rule = { maxBytes, roundBytes: Math.min(maxBytes, 900_000), compression: 'none' }
    this.#isStale = false
  }

  async #write(letters: readonly DeadLetter[]): Promise<void> {
    if (this.#isStale) await this.#look()
    const partition = (letters[0]?.[0].from.partition ?? 0) % this.#partitions
    const at = { topic: this.topic, partition }
    try {
      const channel = (this.#channel ??= await this.#options.log.idempotent())
      await channel.begin([at], undefined)
      for (const batch of this.#batches(letters)) await channel.append(at, batch)
      await channel.commit()
    } catch (error) {
      this.#isStale = true
      await this.#drop()
      throw error
    }
  }

  *#batches(letters: readonly DeadLetter[]): Iterable<FinishedBatch> {
    const builder = batchBuilder()
    for (const [record, error] of letters) {
      const { key, value, headers } = this.#letter(record, error)
      const at = Math.max(0, Math.min(Math.floor(record.timestamp), this.#options.clock.now()))
      if (builder.add(key, value, at, headers, this.#rule.roundBytes)) continue
      yield builder.finish()
      builder.add(key, value, at, headers)
    }
    if (builder.count > 0) yield builder.finish()
  }

  #letter({ key, value, headers, timestamp, from }: RefusedRecord, error: MillraceError): LetterContent {
    const { app, version, sink, clock } = this.#options
    const ours = [
      ...errorHeaders({ app, version, clock }, error),
      own('source.topic', from.topic),
      own('source.partition', from.partition),
      own('source.offset', from.offset),
      own('source.timestamp', timestamp),
      own('sink', sink),
    ]
    const place = `${from.topic}[${from.partition}]@${from.offset}`
    return fittingLetter({ key, value, headers }, ours, place, (content) =>
      misfit(this.#rule, Infinity, content.key, content.value, content.headers),
    )
  }

  async #drop(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    await Promise.resolve(channel?.[Symbol.asyncDispose]()).catch(() => undefined)
  }
}
