import { offsetOf } from '../../lib/core/record.js'
import { batchBuilder } from '../../lib/log/batch-builder.js'
import type { BatchBuilder, CommitChannel, LogPort } from '../../lib/log/port.js'
import type { Input, Numbered } from '../oracle/input.js'
import { sleep, within } from './waiting.js'

const tickMs = 50
/** With more than is fed in so long still to do, nothing is fed: otherwise the end of a run would take ever longer. */
const backlogSeconds = 20
/** Objects that come with each partition the topic gains. */
const newcomers = 200
/** Brokers may be down; a restart takes seconds. */
const appendPatienceMs = 120_000

export interface FeederOptions {
  readonly log: LogPort
  readonly topic: string
  readonly partitions: number
  readonly input: Input
  readonly objects: number
  /** Records a second. */
  readonly rate: number
  /** Records the app has still to do. */
  readonly backlog: () => number
  readonly onFailure: (error: unknown) => void
}

/**
 * Produces the input, without keys. It is the only writer of its topic, so it knows the offset of every batch, and a run is
 * not judged by an input that was lost or doubled: that would be its own failure, told apart.
 */
export class Feeder {
  readonly #options: FeederOptions
  #channel: CommitChannel | undefined
  readonly #ends: number[]
  /** Of the topic when the run began. */
  readonly #first: number
  #work: Promise<void> = Promise.resolve()
  #running = false
  #owed = 0
  /** Records that are in the topic for sure. */
  produced = 0

  constructor(options: FeederOptions) {
    this.#options = options
    this.#ends = Array.from({ length: options.partitions }, () => 0)
    this.#first = options.partitions
  }

  /** Of the topic now. */
  get partitions(): number {
    return this.#ends.length
  }

  get objects(): number {
    return this.#options.objects + (this.partitions - this.#first) * newcomers
  }

  /** The topic has one more. It gets objects of its own: records of one object in two partitions have no order. */
  async grown(): Promise<void> {
    await this.pause()
    this.#ends.push(0)
    await this.#channel?.[Symbol.asyncDispose]()
    this.#channel = undefined
    this.start()
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#work = this.#work.then(() => this.#run()).catch(this.#options.onFailure)
  }

  /** Resolves when all that was made is in the topic. */
  async pause(): Promise<void> {
    this.#running = false
    await this.#work
  }

  /** Appends these now; call while it is paused. */
  async feed(records: Iterable<Numbered>): Promise<void> {
    const builders = new Map<number, BatchBuilder>()
    for (const record of records) {
      const partition = this.#partitionOf(record.key)
      let builder = builders.get(partition)
      if (builder === undefined) builders.set(partition, (builder = batchBuilder()))
      builder.add(null, JSON.stringify(record), Date.now())
    }
    await Promise.all([...builders].map(([partition, builder]) => this.#append(partition, builder)))
  }

  async #run(): Promise<void> {
    const { backlog, rate, input } = this.#options
    let before = performance.now()
    while (this.#running) {
      await sleep(tickMs)
      const now = performance.now()
      // After an outage not everything that was due meanwhile at once: a second's worth is burst enough.
      this.#owed += (rate * Math.min(now - before, 1_000)) / 1_000
      before = now
      if (backlog() > backlogSeconds * rate) {
        this.#owed = 0
        continue
      }
      const due = Math.floor(this.#owed)
      this.#owed -= due
      await this.feed(input.mixed(due, this.objects))
    }
  }

  /** Not by murmur2, so that most records hop; the same for all records of an object, so that their order is defined. */
  #partitionOf(key: string): number {
    const object = Number(key.slice('object-'.length))
    const later = object - this.#options.objects
    return later < 0 ? object % this.#first : this.#first + Math.floor(later / newcomers)
  }

  async #append(partition: number, builder: BatchBuilder): Promise<void> {
    const { log, topic } = this.#options
    const { count } = builder
    const due = this.#ends[partition] as number
    if (this.#channel === undefined) {
      this.#channel = await log.idempotent()
      await this.#channel.begin(
        this.#ends.map((_, i) => ({ topic, partition: i })),
        undefined,
      )
    }
    const at = { topic, partition }
    const what = `a batch of input to be taken by ${topic}[${partition}]`
    const { baseOffset } = await within(appendPatienceMs, what, this.#channel.append(at, builder.finish()))
    const end = offsetOf(await log.admin.endOffsets([at], 'all'), topic, partition)
    if (baseOffset !== due || end !== due + count) {
      const found = `it was taken at ${baseOffset}, and the partition ends at ${end}`
      throw new Error(
        `the input is not what was fed: ${count} records were due at ${topic}[${partition}]@${due}; ${found}`,
      )
    }
    this.#ends[partition] = end
    this.produced += count
  }
}
