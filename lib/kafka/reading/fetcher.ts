import { MillraceError } from '../../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../../core/record.js'
import type { Fetched, Fetcher, FetcherOptions, Held } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { isRetriable } from '../connection/error-codes.js'
import { failedFetch, madeAnew, takeAnswer } from './fetch-answers.js'
import { fetch, type FetchedPartition, type FetchResponse } from '../protocol/fetch.js'
import { keyOf, type Reading, Readings } from './readings.js'

/**
 * How long a broker holds a request back that finds nothing. While it does, nothing else can be asked of it on this
 * connection, so a partition that is added meanwhile waits that long: a quarter of a second, four small requests a second.
 */
const longPollMs = { live: 250, restore: 50 } as const
/** So long after a leader has been found again nothing may be asked of it. */
const mostPauseMs = 250
/** A broker may not have heard yet of a topic that was made a moment ago, and tell of the one before it. */
const otherTopicMs = 1_000
/** One after the other: some 15 s. */
const failuresToSpeakOf = 60
/** Of one answer; one more is held while the last is processed. */
const answerBytes = { live: 8 << 20, restore: 16 << 20 } as const

/**
 * Reads partitions from their leaders: one request per broker at a time, with all its partitions. The next is sent when
 * the last answer is handed out, so it travels while that one is processed, and no more than one waits.
 */
export class KafkaFetcher implements Fetcher {
  readonly #channel: Channel
  readonly #options: FetcherOptions
  readonly #readings = new Readings()
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

  assign(positions: Positions, ids?: ReadonlyMap<string, string>): void {
    this.#readings.assign(positions, ids)
    this.#fetch()
    this.#wake?.()
  }

  pause(partition: TopicPartition): void {
    const reading = this.#readings.of(partition)
    if (reading !== undefined) reading.paused = true
  }

  /** What had come before the pause is still there and handed out first: its position has not changed. */
  resume(partition: TopicPartition): void {
    const reading = this.#readings.of(partition)
    if (reading === undefined) return
    reading.paused = false
    this.#fetch()
    this.#wake?.()
  }

  async next(signal: AbortSignal): Promise<readonly Fetched[]> {
    for (;;) {
      if (this.#channel.closed.aborted) throw new MillraceError('APP_CLOSED', 'fetch: the log is closed.')
      if (signal.aborted) return []
      const answer = this.#readings.takeReady()
      if (answer.length > 0) {
        this.#fetch()
        return answer
      }
      await this.#somethingHappens(signal)
    }
  }

  held(): readonly Held[] {
    return this.#readings.held()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#readings.clear()
    this.#channel.close()
    this.#wake?.()
    while (this.#running.size > 0) await Promise.all(this.#running)
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
    for (const reading of this.#readings) {
      if (reading.paused || reading.failure !== undefined) continue
      const leader = this.#isOther(reading) ? undefined : this.#channel.map.leader(reading)
      if (reading.failure !== undefined) continue
      if (leader === undefined) unknown = true
      else if (reading.ready !== undefined) waiting.add(leader)
      else if (!reading.asked) due.set(leader, [...(due.get(leader) ?? []), reading])
    }
    for (const [node, readings] of due) {
      if (!this.#busy.has(node) && !waiting.has(node)) this.#own(this.#ask(node, readings))
    }
    if (unknown && !this.#findingLeaders) this.#own(this.#findLeaders())
  }

  /** Whether the topic of this name is another than the one that is read; for longer than a broker may be behind, that is a failure. */
  #isOther(reading: Reading): boolean {
    const { map, clock } = this.#channel
    const id = map.idOf(reading.topic)
    if (id === undefined) return false
    reading.topicId ??= id
    if (reading.topicId === id) {
      reading.otherSince = undefined
      return false
    }
    const now = clock.elapsed()
    reading.otherSince ??= now
    if (now - reading.otherSince >= otherTopicMs) reading.failure = madeAnew(reading)
    else map.forgetLeader(reading)
    return true
  }

  async #ask(node: number, readings: readonly Reading[]): Promise<void> {
    this.#busy.add(node)
    for (const reading of readings) reading.asked = true
    const from = readings.map((reading) => reading.position)
    try {
      const answer = await this.#request(node, readings)
      const found = answersOf(readings, answer)
      await Promise.all(readings.map((reading, i) => this.#take(reading, from[i]!, found[i])))
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
    const partitions = readings.map(({ topic, topicId, partition, position }) => ({
      topic,
      topicId,
      partition,
      offset: position,
      maxBytes,
    }))
    const body = { isolation, maxWaitMs, maxBytes: Math.max(answerBytes[purpose], maxBytes), partitions }
    return this.#channel.request(node, fetch, body)
  }

  async #take(reading: Reading, from: Offset, answer: FetchedPartition | undefined): Promise<void> {
    if (answer === undefined || !this.#readings.isCurrent(reading)) return
    await takeAnswer(this.#channel, reading, { from, isolation: this.#options.isolation }, answer)
    if (reading.position > from) this.#readings.moveToEnd(reading)
  }

  async #findLeaders(): Promise<void> {
    this.#findingLeaders = true
    try {
      const pauseMs = Math.min(5 * 2 ** Math.min(this.#failures++, 8), mostPauseMs)
      if (this.#failures % failuresToSpeakOf === 0) this.#channel.warn('Fetch', 'no leader answers; still trying')
      if (this.#failures > 1) await this.#channel.clock.sleep(pauseMs, this.#channel.closed)
      await this.#channel.insist('leaders', async () => {
        await this.#channel.refresh()
        this.#fetch()
        for (const reading of this.#readings) this.#channel.map.requireLeader(reading)
      })
    } catch (error) {
      this.#failThoseWithoutLeader(error)
    }
    this.#findingLeaders = false
    this.#fetch()
    this.#wake?.()
  }

  #failThoseWithoutLeader(error: unknown): void {
    for (const reading of this.#readings) {
      if (this.#channel.map.leader(reading) !== undefined) continue
      const { topic, partition } = reading
      reading.failure = failedFetch(reading, error)
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

/** What was answered for each; undefined where nothing was. */
function answersOf(
  readings: readonly Reading[],
  { byId, partitions }: FetchResponse,
): readonly (FetchedPartition | undefined)[] {
  let found: ReadonlyMap<string, FetchedPartition> | undefined
  return readings.map(({ topic: name, topicId = '', partition }, i) => {
    const topic = byId ? topicId : name
    // As nearly always: in the order in which they were asked for.
    const there = partitions[i]
    if (there?.partition === partition && there.topic === topic) return there
    found ??= new Map(partitions.map((one) => [keyOf(one), one]))
    return found.get(keyOf({ topic, partition }))
  })
}
