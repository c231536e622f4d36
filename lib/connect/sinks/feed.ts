import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { PositionMap, type Offset } from '../../core/record.js'
import type { Fetched, Fetcher, Held, LogPort } from '../../log/port.js'

/** Of one partition in one answer. A partition has three at most: one that is written, one that waits, one on its way. */
const maxBytes = 512 << 10

/** What is fetched of one partition, for as long as somebody writes it. */
export class Lane {
  readonly partition: number
  /** Where the next answer begins. */
  position: Offset
  /** Of the last answer. */
  highWatermark: Offset | undefined
  #ready: Fetched | undefined
  #failure: { readonly error: unknown } | undefined
  #wake = (): void => undefined
  readonly #onTaken: () => void

  constructor(partition: number, position: Offset, onTaken: () => void) {
    this.partition = partition
    this.position = position
    this.#onTaken = onTaken
  }

  get isFull(): boolean {
    return this.#ready !== undefined
  }

  /** What is here. Throws what fetching failed with. */
  take(): Fetched | undefined {
    if (this.#failure !== undefined) throw this.#failure.error
    const ready = this.#ready
    this.#ready = undefined
    if (ready !== undefined) this.#onTaken()
    return ready
  }

  /** Resolves when there is something to take, or it has failed, or `signal` aborts. */
  async arrival(signal: AbortSignal): Promise<void> {
    if (this.#ready !== undefined || this.#failure !== undefined || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done)
        this.#wake = () => undefined
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  put(fetched: Fetched): void {
    this.position = fetched.to
    this.highWatermark = fetched.highWatermark
    this.#ready = fetched
    this.#wake()
  }

  fail(error: unknown): void {
    this.#failure = { error }
    this.#wake()
  }
}

interface Reading {
  readonly fetcher: Fetcher
  readonly stop: AbortController
  readonly done: Promise<void>
}

/** Fetches committed records for all partitions of a topic that are written here. What is not taken in one holds up no other. */
export class Feed {
  readonly #log: LogPort
  readonly #topic: string
  readonly #lanes = new Map<number, Lane>()
  #ids: ReadonlyMap<string, string> = new Map()
  #reading: Reading | undefined

  constructor(log: LogPort, topic: string) {
    this.#log = log
    this.#topic = topic
  }

  /** `topicId`: of which topic of this name the offset is. */
  open(partition: number, offset: Offset, topicId: string): Lane {
    const at = { topic: this.#topic, partition }
    const lane = new Lane(partition, offset, () => {
      if (this.#lanes.get(partition) === lane) this.#reading?.fetcher.resume(at)
    })
    this.#lanes.set(partition, lane)
    this.#ids = new Map([[this.#topic, topicId]])
    this.#reading ??= this.#begin()
    this.#assign()
    this.#reading.fetcher.resume(at)
    return lane
  }

  release(lane: Lane): void {
    if (this.#lanes.get(lane.partition) !== lane) return
    this.#lanes.delete(lane.partition)
    this.#assign()
  }

  held(): readonly Held[] {
    return this.#reading?.fetcher.held() ?? []
  }

  async close(): Promise<void> {
    const reading = this.#reading
    this.#reading = undefined
    reading?.stop.abort()
    await reading?.done
  }

  #begin(): Reading {
    const fetcher = this.#log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes })
    const stop = new AbortController()
    return { fetcher, stop, done: this.#run(fetcher, stop.signal) }
  }

  #assign(): void {
    const positions = new PositionMap()
    for (const { partition, position } of this.#lanes.values()) positions.set(this.#topic, partition, position)
    this.#reading?.fetcher.assign(positions.topics, this.#ids)
  }

  async #run(fetcher: Fetcher, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        try {
          for (const fetched of await fetcher.next(signal)) this.#arrived(fetcher, fetched)
        } catch (error) {
          this.#failed(error)
        }
      }
    } catch (error) {
      // The fetcher is of no use any more: whoever opens a partition next gets another.
      this.#reading = undefined
      for (const lane of this.#lanes.values()) lane.fail(error)
      this.#lanes.clear()
    }
    await Promise.resolve(fetcher[Symbol.asyncDispose]()).catch(() => undefined)
  }

  #arrived(fetcher: Fetcher, fetched: Fetched): void {
    const lane = this.#lanes.get(fetched.partition)
    if (lane === undefined) return
    // It was handed out just before the partition was opened anew, elsewhere.
    if (lane.isFull || lane.position !== fetched.from) return this.#assign()
    lane.put(fetched)
    fetcher.pause(fetched)
  }

  /** Only the partition that it is about fails, where it is about one. Throws what is about all. */
  #failed(error: unknown): void {
    if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE') || error.partition === undefined) throw error
    this.#lanes.get(error.partition)?.fail(error)
    this.#lanes.delete(error.partition)
    this.#assign()
  }
}

/** Transactions take milliseconds; those of a process that has died are aborted by brokers, mostly within a minute. */
const patienceMs = 30_000

/** Partitions that are not read on because of a transaction that somebody leaves open: there is more, and nobody may read it. */
export class Standstills {
  readonly #clock: Clock
  readonly #held: () => readonly Held[]
  #known = new Map<number, { readonly offset: number; readonly since: number }>()

  constructor(clock: Clock, held: () => readonly Held[]) {
    this.#clock = clock
    this.#held = held
  }

  /** To be called again and again. */
  look(): void {
    const now = this.#clock.elapsed()
    const known = this.#known
    this.#known = new Map(
      this.#held().map(({ partition, offset }) => {
        const before = known.get(partition)
        return [partition, before?.offset === offset ? before : { offset, since: now }]
      }),
    )
  }

  /** In words, one that has lasted too long. */
  get longest(): string | undefined {
    const now = this.#clock.elapsed()
    for (const [partition, { offset, since }] of this.#known) {
      if (now - since < patienceMs) continue
      const seconds = Math.round((now - since) / 1_000)
      return `partition ${partition}: a transaction has been open at offset ${offset} for ${seconds} s, and what is behind it may not be read before it ends; find its producer (kafka-transactions.sh find-hanging), or abort it`
    }
    return undefined
  }
}
