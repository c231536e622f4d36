import { MillraceError, reasonOf } from '../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../core/record.js'
import { offsetOf } from '../core/record.js'
import { loadCompressions } from '../log/compression.js'
import type { Fetched, Fetcher, FetcherOptions } from '../log/port.js'
import type { Channel } from './channel.js'
import { Code, isRetriable, nameOf } from './error-codes.js'
import { wholeBatches } from './fetch-answers.js'
import { logEnds } from './per-leader.js'
import { fetch, type FetchedPartition, type FetchResponse } from './protocol/fetch.js'

/** One assignment of one partition; a new assignment makes a new one, so that late answers find nobody. */
interface Reading extends TopicPartition {
  /** Where the next request begins. */
  position: Offset
  /** Where what was handed out ends. */
  handed: Offset
  /** Fetched and not handed out yet. */
  ready: Fetched | undefined
  asked: boolean
  paused: boolean
  /** Out of range, or refused: not asked for until it is assigned anew. */
  failure: MillraceError | undefined
}

/**
 * How long a broker holds a request back that finds nothing. While it does, nothing else can be asked of it on this
 * connection, so a partition that is added meanwhile waits that long: a quarter of a second, four small requests a second.
 */
const longPollMs = { live: 250, restore: 50 } as const
/** Of one answer; one more is held while the last is processed. */
const answerBytes = { live: 8 << 20, restore: 16 << 20 } as const

/**
 * Reads partitions from their leaders: one request per broker at a time, with all its partitions. The next is sent when
 * the last answer is handed out, so it travels while that one is processed, and no more than one waits.
 */
export class KafkaFetcher implements Fetcher {
  readonly #channel: Channel
  readonly #options: FetcherOptions
  #readings = new Map<string, Reading>()
  /** Brokers with a request under way. */
  readonly #busy = new Set<number>()
  readonly #running = new Set<Promise<void>>()
  #findingLeaders = false
  #failures = 0
  #wake: (() => void) | undefined

  /** Owns the channel. */
  constructor(channel: Channel, options: FetcherOptions) {
    this.#channel = channel
    this.#options = options
  }

  assign(positions: Positions): void {
    const readings = new Map<string, Reading>()
    for (const [topic, partitions] of positions) {
      for (const [partition, offset] of partitions) {
        const key = keyOf({ topic, partition })
        const known = this.#readings.get(key)
        const goesOn = known !== undefined && known.handed === offset && known.failure === undefined
        readings.set(key, goesOn ? known : newReading(topic, partition, offset, known?.paused ?? false))
      }
    }
    this.#readings = readings
    this.#fetch()
    this.#wake?.()
  }

  pause(partition: TopicPartition): void {
    const reading = this.#readings.get(keyOf(partition))
    if (reading !== undefined) reading.paused = true
  }

  /** What had come before the pause is still there and handed out first: its position has not changed. */
  resume(partition: TopicPartition): void {
    const reading = this.#readings.get(keyOf(partition))
    if (reading === undefined) return
    reading.paused = false
    this.#fetch()
    this.#wake?.()
  }

  async next(signal: AbortSignal): Promise<readonly Fetched[]> {
    for (;;) {
      if (this.#channel.closed.aborted) throw new MillraceError('APP_CLOSED', 'fetch: the log is closed.')
      if (signal.aborted) return []
      const answer = this.#takeReady()
      if (answer.length > 0) return answer
      await this.#somethingHappens(signal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#readings.clear()
    this.#channel.close()
    this.#wake?.()
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #takeReady(): Fetched[] {
    const answer: Fetched[] = []
    for (const reading of this.#readings.values()) {
      if (reading.failure !== undefined && !reading.paused) this.#throwOnce(reading, reading.failure)
    }
    for (const reading of this.#readings.values()) {
      if (reading.paused || reading.ready === undefined) continue
      answer.push(reading.ready)
      reading.handed = reading.ready.to
      reading.ready = undefined
    }
    if (answer.length > 0) this.#fetch()
    return answer
  }

  /** The others go on when `next` is called again; this one when it is assigned anew. */
  #throwOnce(reading: Reading, failure: MillraceError): never {
    this.#readings.delete(keyOf(reading))
    throw failure
  }

  #somethingHappens(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        this.#wake = undefined
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }

  /** Sends a request to every broker that has none and whose last answer has been handed out. */
  #fetch(): void {
    if (this.#channel.closed.aborted) return
    const due = new Map<number, Reading[]>()
    const waiting = new Set<number>()
    let unknown = false
    for (const reading of this.#readings.values()) {
      if (reading.paused || reading.failure !== undefined) continue
      const leader = this.#channel.map.leader(reading)
      if (leader === undefined) unknown = true
      else if (reading.ready !== undefined) waiting.add(leader)
      else if (!reading.asked) due.set(leader, [...(due.get(leader) ?? []), reading])
    }
    for (const [node, readings] of due) {
      if (!this.#busy.has(node) && !waiting.has(node)) this.#own(this.#ask(node, readings))
    }
    if (unknown && !this.#findingLeaders) this.#own(this.#findLeaders())
  }

  async #ask(node: number, readings: readonly Reading[]): Promise<void> {
    this.#busy.add(node)
    for (const reading of readings) reading.asked = true
    const from = readings.map((reading) => reading.position)
    try {
      const answer = await this.#request(node, readings)
      const byPartition = new Map(answer.partitions.map((partition) => [keyOf(partition), partition]))
      await Promise.all(readings.map((reading, i) => this.#take(reading, from[i]!, byPartition.get(keyOf(reading)))))
      if (!answer.partitions.some(({ errorCode }) => isRetriable(errorCode))) this.#failures = 0
    } catch (error) {
      // A lost connection, or a broker that is not known any more; leaders are looked up anew.
      for (const reading of readings) this.#channel.map.forgetLeader(reading)
      if (MillraceError.is(error)) for (const reading of readings) reading.failure ??= error
    }
    for (const reading of readings) reading.asked = false
    this.#busy.delete(node)
    this.#fetch()
    this.#wake?.()
  }

  #request(node: number, readings: readonly Reading[]): Promise<FetchResponse> {
    const { isolation, purpose, maxBytes } = this.#options
    const maxWaitMs = longPollMs[purpose]
    const partitions = readings.map(({ topic, partition, position }) => ({
      topic,
      partition,
      offset: position,
      maxBytes,
    }))
    const body = { isolation, maxWaitMs, maxBytes: Math.max(answerBytes[purpose], maxBytes), partitions }
    return this.#channel.request(node, fetch, body)
  }

  async #take(reading: Reading, from: Offset, answer: FetchedPartition | undefined): Promise<void> {
    if (this.#readings.get(keyOf(reading)) !== reading || answer === undefined) return
    const { topic, partition, errorCode, bytes } = answer
    if (errorCode === Code.offsetOutOfRange) return await this.#outOfRange(reading)
    if (errorCode !== Code.none) return this.#refused(reading, errorCode)
    let nextOffset: Offset
    let whole: Buffer
    try {
      const { size, ...end } = wholeBatches(bytes, from)
      nextOffset = end.nextOffset
      if (nextOffset === from) return
      whole = bytes.subarray(0, size)
      const loading = loadCompressions(whole)
      if (loading !== undefined) await loading
    } catch (error) {
      reading.failure = MillraceError.is(error) ? error : corrupt(reading, error)
      return
    }
    reading.position = nextOffset
    const { isolation } = this.#options
    const { aborted, highWatermark, lastStableOffset } = answer
    reading.ready = {
      topic,
      partition,
      bytes: whole,
      from,
      to: nextOffset,
      isolation,
      aborted,
      highWatermark,
      lastStableOffset,
    }
    // Those that got something go to the end: brokers fill an answer from the front, and nobody may starve.
    const key = keyOf(reading)
    if (this.#readings.get(key) !== reading) return
    this.#readings.delete(key)
    this.#readings.set(key, reading)
  }

  #refused(reading: Reading, code: number): void {
    if (isRetriable(code)) return this.#channel.map.forgetLeader(reading)
    const { topic, partition } = reading
    const what = `${topic}[${partition}]: fetch refused with ${nameOf(code)}. Check its ACLs.`
    reading.failure = new MillraceError('BROKER_REFUSED', what, { topic, partition })
  }

  /** Below the start, beyond the end, or neither any more: brokers say the same for all. */
  async #outOfRange(reading: Reading): Promise<void> {
    const { topic, partition, position } = reading
    const [start, end] = await Promise.all(
      (['start', 'end'] as const).map((which) => logEnds(this.#channel, [{ topic, partition }], which, 'all')),
    )
    const first = offsetOf(start!, topic, partition) ?? 0
    const last = offsetOf(end!, topic, partition) ?? 0
    // The log moved meanwhile, as when a new leader takes over: asking again will tell.
    if (position >= first && position <= last) return await this.#channel.clock.sleep(20, this.#channel.closed)
    const why = position < first ? 'deleted by retention or DeleteRecords' : 'the topic was made anew or lost its end'
    const what = `${topic}[${partition}]: offset ${position} is outside of ${first} to ${last}: ${why}. Assign an offset inside.`
    reading.failure = new MillraceError('OFFSET_OUT_OF_RANGE', what, { topic, partition, offset: position })
  }

  async #findLeaders(): Promise<void> {
    this.#findingLeaders = true
    try {
      const pauseMs = Math.min(5 * 2 ** Math.min(this.#failures++, 8), 1_000)
      if (pauseMs === 1_000) this.#channel.warn('Fetch', 'no leader answers; still trying')
      if (this.#failures > 1) await this.#channel.clock.sleep(pauseMs, this.#channel.closed)
      await this.#channel.insist('leaders', async () => {
        await this.#channel.refresh()
        this.#fetch()
        for (const reading of this.#readings.values()) this.#channel.map.requireLeader(reading)
      })
    } catch (error) {
      this.#failThoseWithoutLeader(error)
    }
    this.#findingLeaders = false
    this.#fetch()
    this.#wake?.()
  }

  #failThoseWithoutLeader(error: unknown): void {
    for (const reading of this.#readings.values()) {
      if (this.#channel.map.leader(reading) !== undefined) continue
      const { topic, partition } = reading
      reading.failure = MillraceError.is(error) ? error : corrupt(reading, error)
      if (
        MillraceError.is(error) &&
        error.topic !== undefined &&
        (error.topic !== topic || error.partition !== partition)
      ) {
        reading.failure = new MillraceError(error.code, `${topic}[${partition}]: ${error.message}`, {
          topic,
          partition,
        })
      }
    }
  }

  #own(work: Promise<void>): void {
    const owned: Promise<void> = work.finally(() => this.#running.delete(owned))
    this.#running.add(owned)
  }
}

function newReading(topic: string, partition: number, offset: Offset, paused: boolean): Reading {
  return {
    topic,
    partition,
    position: offset,
    handed: offset,
    ready: undefined,
    asked: false,
    paused,
    failure: undefined,
  }
}

function corrupt({ topic, partition, position }: Reading, error: unknown): MillraceError {
  const what = `${topic}[${partition}]: fetching from ${position} failed: ${reasonOf(error)}`
  return new MillraceError('BATCH_CORRUPT', what, { topic, partition, offset: position, cause: error })
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`
