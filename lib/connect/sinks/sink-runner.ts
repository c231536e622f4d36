import { durationMs } from '../../core/duration.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { awaitedOf } from '../../log/awaited.js'
import { offsetOf } from '../../core/record.js'
import type { TopicInfo } from '../../log/port.js'
import { sinkGroup } from '../../model/names.js'
import { topicNode, type TopicNode } from '../../model/stream.js'
import { OwnedPartitions } from '../owned-partitions.js'
import { joiningAs, type ConnectorHealth, type ConnectorStats, type Runner, type RunnerOptions } from '../runner.js'
import type { Sink, SinkConnector } from '../sink.js'
import { DeadLetters } from './dead-letters.js'
import { Feed, Standstills } from './feed.js'
import { GroupOffsets } from './group-offsets.js'
import { OwnOffsets } from './own-offsets.js'
import type { SinkCounts, SinkParts, SinkRules } from './sink-parts.js'
import { SinkWorker } from './sink-worker.js'

/** How soon it is noticed that the topic has another number of partitions. */
const growthMs = 30_000
/** How often calls that do not end are looked for, and how far a topic has gone on without its sink. */
const lookMs = 5_000

/** A round of the group waits for two sessions for who still writes. */
const longestGraceMs = 5_000

/** Runs a sink in this process: a group of its own, a worker for each partition that it has. */
export class SinkRunner implements Runner {
  readonly #options: RunnerOptions
  readonly #name: string
  readonly #connector: SinkConnector
  readonly #topic: TopicNode
  readonly #rules: SinkRules
  readonly #counts: SinkCounts = { records: 0, commits: 0, deadLetters: 0, skipped: 0, retries: 0, missing: 0 }
  readonly #workers = new Map<number, SinkWorker>()
  readonly #timers: (() => void)[] = []
  #owned: OwnedPartitions | undefined
  #parts: Omit<SinkParts, 'offsets'> | undefined
  #offsets: GroupOffsets | undefined
  #partitions = 0
  #state: ConnectorHealth['state'] = 'starting'
  #since: number
  #hasJoined = false
  #lookingForEnds: Promise<void> | undefined
  readonly #standstills: Standstills
  #closing: Promise<void> | undefined
  readonly #leaving = new AbortController()

  constructor(options: RunnerOptions, { name, options: given }: Sink) {
    this.#options = options
    this.#name = name
    this.#connector = given.to as SinkConnector
    this.#topic = topicNode(given.from as never)
    this.#since = options.clock.now()
    this.#standstills = new Standstills(options.clock, () => this.#parts?.feed.held() ?? [])
    const { attempts = 40, batchRecords = 500, batchBytes = 1_000_000, begin = 'earliest' } = given
    const where = `sink '${name}'`
    this.#rules = {
      batchRecords,
      batchBytes,
      begin,
      backoffMs: durationMs(given.backoff ?? '100ms', `${where}: backoff`),
      maxBackoffMs: durationMs(given.maxBackoff ?? '30s', `${where}: maxBackoff`),
      attempts: attempts === 'unlimited' ? Infinity : attempts,
      onInvalid: this.#topic.onInvalid,
    }
  }

  async start(): Promise<void> {
    const { app, version, log, clock, logger, instanceId, sessionTimeoutMs, replicationFactor, onFailure } =
      this.#options
    const { name: topic } = this.#topic
    const group = sinkGroup(app, this.#name)
    await awaitedOf(this.#topic)?.prepare('read', this.#leaving.signal)
    this.#partitions = (await this.#topicInfo()).partitions
    const letters = await DeadLetters.open({ app, version, log, clock, replicationFactor, sink: this.#name })
    if (this.#closing !== undefined) return await letters.close()
    const counts = this.#counts
    const offsets = new GroupOffsets({ log, group, topic, clock, logger, onCommit: () => counts.commits++ })
    this.#offsets = offsets
    const parts = {
      app,
      name: this.#name,
      connector: this.#connector,
      format: this.#topic,
      rules: this.#rules,
      counts,
      admin: log.admin,
      feed: new Feed(log, topic),
      letters,
      clock,
      graceMs: Math.min(longestGraceMs, sessionTimeoutMs / 2),
      logger,
      onFailure,
      onState: () => void this.#look(),
    }
    this.#parts = parts
    this.#owned = new OwnedPartitions({
      log: joiningAs(`sink '${this.#name}'`, this.#options),
      group,
      topic,
      count: () => this.#count(),
      instanceId,
      sessionTimeoutMs,
      logger,
      begin: (partition, generation) => {
        const own = new OwnOffsets(offsets, generation(), partition)
        return this.#begin({ ...parts, offsets: own }, partition)
      },
      onFailure,
    })
    try {
      await this.#owned.join()
    } catch (error) {
      if (this.#closing === undefined) throw error
    }
    if (this.#closing !== undefined) return
    this.#hasJoined = true
    this.#look()
    this.#timers.push(
      clock.every(growthMs, () => void this.#lookForChange()),
      clock.every(lookMs, () => {
        this.#standstills.look()
        this.#look()
        this.#lookingForEnds ??= this.#lookForEnds().finally(() => (this.#lookingForEnds = undefined))
      }),
    )
  }

  close(): Promise<void> {
    this.#leaving.abort()
    this.#closing ??= this.#close()
    return this.#closing
  }

  get health(): ConnectorHealth {
    const reason = this.#look()
    const isExact = [...this.#workers.values()].some((worker) => worker.state.isExact)
    return {
      kind: 'sink',
      name: this.#name,
      connector: this.#connector.kind,
      guarantee: isExact ? 'exactly-once' : this.#connector.delivery === 'volatile' ? 'none' : 'at-least-once',
      state: this.#state,
      partitions: [...this.#workers.keys()].sort((a, b) => a - b).map(String),
      since: this.#since,
      ...(reason === undefined ? {} : { reason }),
    }
  }

  get stats(): ConnectorStats {
    const lags = [...this.#workers].flatMap(([partition, { lag }]) =>
      lag === undefined ? [] : [[partition, lag] as const],
    )
    return { kind: 'sink', name: this.#name, duplicates: 0, ...this.#counts, lag: new Map(lags) }
  }

  async #close(): Promise<void> {
    for (const stop of this.#timers) stop()
    const { logger } = this.#options
    const { feed, letters } = this.#parts ?? {}
    for (const end of [
      () => this.#owned?.leave(),
      () => feed?.close(),
      () => this.#offsets?.close(),
      () => letters?.close(),
    ]) {
      try {
        await end()
      } catch (error) {
        logger.warn({ sink: this.#name, err: error }, `sink '${this.#name}': closing failed: ${reasonOf(error)}`)
      }
    }
    this.#enter('stopped')
  }

  #begin(parts: SinkParts, partition: number): SinkWorker {
    const worker = new SinkWorker(parts, partition, () => {
      if (this.#workers.get(partition) === worker) this.#workers.delete(partition)
      this.#look()
    })
    this.#workers.set(partition, worker)
    return worker
  }

  /** What state it is in, and why. */
  #look(): string | undefined {
    if (this.#closing !== undefined) return undefined
    const states = [...this.#workers].map(([partition, worker]) => ({ partition, ...worker.state }))
    const troubled = states.find(({ state }) => state === 'retrying')
    const uncommitted = this.#offsets?.trouble
    const trouble =
      uncommitted === undefined ? this.#standstills.longest : `its offsets cannot be committed: ${uncommitted}`
    if (troubled !== undefined) this.#enter('retrying', troubled.reason)
    else if (trouble !== undefined) this.#enter('retrying', trouble)
    else if (!this.#hasJoined || states.some(({ state }) => state === 'opening')) this.#enter('starting')
    else this.#enter(states.length === 0 ? 'idle' : 'running')
    if (troubled !== undefined) return `partition ${troubled.partition}: ${troubled.reason ?? ''}`
    return trouble
  }

  #enter(state: ConnectorHealth['state'], reason?: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#since = this.#options.clock.now()
    const fields = { sink: this.#name, state, reason }
    if (state === 'retrying') this.#options.logger.warn(fields, `sink '${this.#name}' cannot write: ${reason ?? ''}`)
    else this.#options.logger.info(fields, `sink '${this.#name}' is ${state}`)
  }

  async #count(): Promise<number> {
    this.#partitions = (await this.#topicInfo()).partitions
    return this.#partitions
  }

  /** It was given partitions, or made anew with fewer. */
  async #lookForChange(): Promise<void> {
    const known = this.#partitions
    try {
      const count = await this.#count()
      if (count !== known) this.#owned?.rejoin(`${this.#topic.name} has ${count} partitions now, and had ${known}`)
    } catch (error) {
      this.#options.logger.debug({ err: error }, `sink '${this.#name}': its topic was not looked at`)
    }
  }

  /** Where partitions end of which no more is fetched while their target is slow, or away. Never rejects. */
  async #lookForEnds(): Promise<void> {
    const { name: topic } = this.#topic
    const full = [...this.#workers].filter(([, worker]) => worker.isFull)
    if (full.length === 0) return
    try {
      const at = full.map(([partition]) => ({ topic, partition }))
      const ends = await this.#options.log.admin.endOffsets(at, 'all')
      for (const [partition, worker] of full) worker.noteEnd(offsetOf(ends, topic, partition) ?? 0)
    } catch (error) {
      this.#options.logger.debug({ err: error }, `sink '${this.#name}': where its topic ends was not looked at`)
    }
  }

  async #topicInfo(): Promise<TopicInfo> {
    const { log, createTopics, replicationFactor } = this.#options
    const { name, partitions = -1 } = this.#topic
    const known = (await log.admin.describe([name])).get(name)
    if (known !== undefined) return known
    const missing = `topic '${name}' of sink '${this.#name}' does not exist. Create it, or set createTopics: true (development).`
    if (!createTopics) throw new MillraceError('TOPIC_MISSING', missing, { topic: name })
    await log.admin.create([{ name, partitions, replicationFactor, configs: {} }])
    const made = (await log.admin.describe([name])).get(name)
    if (made !== undefined) return made
    throw new MillraceError('TOPIC_MISSING', missing, { topic: name })
  }
}
