import type { Clock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { allPartitions, offsetOf, PositionMap } from '../../core/record.js'
import { allThere, awaitedOf } from '../../log/awaited.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, Fetcher, Held, LogPort, TopicInfo } from '../../log/port.js'
import type { LookupTable } from '../../model/lookup.js'
import type { InvalidPolicy, TopicNode } from '../../model/stream.js'
import type { LookupCopy } from './lookup-copy.js'
import { loadLookup, maxLookupBytes } from './lookup-load.js'

/** How soon a partition that was added is read, and a topic that was made anew is noticed: two small requests each time. */
const lookMs = 30_000

export interface LookupsOptions {
  readonly tables: readonly TopicNode[]
  readonly log: LogPort
  readonly clock: Clock
  readonly logger: Logger
  /** A value was refused, and its policy is not to stop. */
  readonly onRefused: (error: MillraceError, policy: InvalidPolicy) => void
  /** The app must stop. */
  readonly onError: (error: unknown) => void
}

/** One table. */
interface Seat {
  readonly node: TopicNode
  /** What lookups see; undefined until it is complete for the first time. */
  copy: LookupCopy | undefined
  /** `loading`: another copy is being read; `lost`: the topic is not there. In both what there is stays as it is. */
  state: 'loading' | 'following' | 'lost'
  /** Share of the first reading that is done. */
  done: number
}

/**
 * The lookup tables of an app: read before its first turn, then followed through one fetcher. A topic that was truncated or
 * made anew is read again beside what there is, which is replaced when that is complete.
 */
export class Lookups {
  readonly #options: LookupsOptions
  readonly #seats: ReadonlyMap<string, Seat>
  readonly #closed = new AbortController()
  /** Aborted when the fetcher is to be told of other positions. */
  #change = new AbortController()
  readonly #waiting = new Set<() => void>()
  #following: Promise<void> | undefined
  #fetcher: Fetcher | undefined
  #looking: Promise<void> | undefined
  #stopLooking: (() => void) | undefined
  /** Applied, those of the first reading included. */
  records = 0
  /** Records that their codec or schema refused. */
  refused = 0

  constructor(options: LookupsOptions) {
    this.#options = options
    const seats = options.tables.map((node): Seat => ({ node, copy: undefined, state: 'loading', done: 0 }))
    this.#seats = new Map(seats.map((seat) => [seat.node.name, seat]))
  }

  /** Throws `DEFINITION_INVALID` when there is no such table. */
  row({ name, node }: LookupTable<unknown>, key: string): unknown {
    const seat = this.#seats.get(name)
    if (seat?.node.codec === node.codec) return seat.copy?.value(key)
    const what = `lookup table '${name}' was not given to the app: name it in lookups: [${name}] of createApp or testDriver`
    throw new MillraceError('DEFINITION_INVALID', what, { topic: name })
  }

  /** How far the tables are that have not been complete yet; undefined when all have. */
  get progress(): string | undefined {
    const seats = [...this.#seats.values()].filter(({ copy }) => copy === undefined)
    if (seats.length === 0) return undefined
    return seats.map(({ node, done }) => `${node.name} ${Math.floor(100 * done)} %`).join(', ')
  }

  /**
   * Resolves when all tables have reached the ends that they had at the call, and then follows them; or when `end` was
   * called. Rejects with `TOPIC_MISSING`, `VALUE_INVALID` (`onInvalid: 'stop'`) and what the log refuses.
   */
  async load(): Promise<void> {
    if (this.#seats.size === 0) return
    await Promise.all([...this.#seats.values()].map((seat) => this.#read(seat)))
    if (this.#closed.signal.aborted) return
    this.#stopLooking = this.#options.clock.every(lookMs, () => void this.look())
    this.#following = this.#follow()
  }

  /** Follows no longer; what there is can still be looked up. */
  end(): void {
    this.#closed.abort()
    this.#change.abort()
    this.#stopLooking?.()
    this.#moved()
  }

  async close(): Promise<void> {
    this.end()
    await this.#following
  }

  /** Resolves when the tables have all that is committed at the call, or when `end` was called. */
  async caughtUp(): Promise<void> {
    if (this.#seats.size === 0) return
    await this.look()
    const ends = await Promise.all([...this.#seats.values()].map((seat) => this.#endsOf(seat)))
    const isDone = (): boolean => [...this.#seats.values()].every((seat, i) => hasReached(seat, ends[i]!))
    while (!this.#closed.signal.aborted && !isDone()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /** By partition. What is being read again is read to ends of its own; of a topic that is gone there is nothing to wait for. */
  async #endsOf({ node, copy, state }: Seat): Promise<ReadonlyMap<number, number> | 'gone'> {
    if (state !== 'following') return new Map()
    try {
      const partitions = allPartitions(node.name, copy?.positions.size ?? 0)
      return (await this.#options.log.admin.endOffsets(partitions, 'committed')).get(node.name) ?? new Map()
    } catch (error) {
      if (MillraceError.is(error, 'TOPIC_MISSING')) return 'gone'
      throw error
    }
  }

  /** Partitions that are not read on because of an open transaction. */
  held(): readonly Held[] {
    return this.#fetcher?.held() ?? []
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #read(seat: Seat): Promise<void> {
    const { log, clock, logger } = this.#options
    const { node } = seat
    const began = clock.elapsed()
    const copy = await loadLookup({
      log,
      clock,
      node,
      signal: this.#closed.signal,
      onRefused: (error) => this.#refused(node, error),
      onProgress: (records, passed, total) => {
        this.records += records
        seat.done = passed / total
      },
    })
    if (copy === undefined) return
    seat.copy = copy
    seat.state = 'following'
    this.#moved()
    this.#changed()
    const ms = Math.round(clock.elapsed() - began)
    logger.info({ topic: node.name, rows: copy.size, ms }, `${node.name} can be looked up: ${copy.size} rows, ${ms} ms`)
  }

  /** The old copy is seen until the new one is complete. Does not wait for it. */
  #readAgain(seat: Seat, why: string): void {
    const topic = seat.node.name
    const meanwhile = 'Until that is done, lookups see the rows that there were.'
    this.#options.logger.warn({ topic }, `lookup table ${topic} is read again from the beginning: ${why} ${meanwhile}`)
    seat.state = 'loading'
    this.#changed()
    this.#read(seat).catch((error: unknown) => {
      if (MillraceError.is(error, 'TOPIC_MISSING')) this.#lose(seat)
      else if (!this.#closed.signal.aborted) this.#options.onError(error)
    })
  }

  #lose(seat: Seat): void {
    const topic = seat.node.name
    const what = `topic ${topic}, a lookup table, does not exist any more. Lookups go on with the rows that there were; it is read anew when it is back, and without it the app will not start again.`
    this.#options.logger.warn({ topic }, what)
    seat.state = 'lost'
    this.#changed()
    this.#moved()
  }

  #refused({ onInvalid }: TopicNode, error: MillraceError): void {
    if (onInvalid === 'stop') throw error
    this.refused++
    this.#options.onRefused(error, onInvalid)
  }

  // ── following ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #follow(): Promise<void> {
    const { log, onError } = this.#options
    const closed = this.#closed.signal
    await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: maxLookupBytes })
    this.#fetcher = fetcher
    this.#changed()
    while (!closed.aborted) {
      if (this.#change.signal.aborted) {
        this.#change = new AbortController()
        fetcher.assign(this.#positions(), this.#ids)
      }
      try {
        await this.#apply(await fetcher.next(this.#change.signal))
      } catch (error) {
        if (closed.aborted) return
        if (!this.#isOfTopic(error)) return onError(error)
      }
    }
  }

  async #apply(answers: readonly Fetched[]): Promise<void> {
    for (const fetched of answers) {
      const { copy, state } = this.#seats.get(fetched.topic) as Seat
      if (copy === undefined || state !== 'following') continue
      // Handed out just before the copy was replaced, so the fetcher stands elsewhere than the copy.
      if (copy.positions.get(fetched.partition) !== fetched.from) this.#changed()
      else {
        await allThere(awaitedOf(copy.node), () => recordCursor(fetched), this.#closed.signal)
        if (this.#closed.signal.aborted) return
        if (copy.positions.get(fetched.partition) === fetched.from) this.records += copy.apply(fetched)
      }
      await this.#options.clock.breathe()
    }
    this.#moved()
  }

  /** What is said of a topic, and not of the log: the others go on. */
  #isOfTopic(error: unknown): boolean {
    if (!MillraceError.is(error)) return false
    const seat = this.#seats.get(error.topic ?? '')
    if (seat === undefined) return false
    if (error.code === 'OFFSET_OUT_OF_RANGE') this.#readAgain(seat, error.message)
    else if (error.code === 'TOPIC_MISSING') this.#lose(seat)
    else return false
    return true
  }

  #positions(): PositionMap['topics'] {
    const positions = new PositionMap()
    for (const [topic, { copy, state }] of this.#seats) {
      if (state !== 'following') continue
      for (const [partition, offset] of copy?.positions ?? []) positions.set(topic, partition, offset)
    }
    return positions.topics
  }

  get #ids(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#seats].flatMap(([topic, { copy }]) => (copy === undefined ? [] : [[topic, copy.id] as const])),
    )
  }

  #changed(): void {
    this.#change.abort()
  }

  #moved(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  // ── topics that change ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Looks now. Never rejects: what could not be seen is seen later. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<void> {
    const { log, logger } = this.#options
    try {
      for (const [topic, info] of await log.admin.describe([...this.#seats.keys()])) {
        const seat = this.#seats.get(topic)
        // What is not found may only be unknown to the broker that was asked; that it is gone the fetcher tells.
        if (seat?.copy !== undefined && seat.state !== 'loading' && info !== undefined)
          await this.#compare(seat, seat.copy, info)
      }
    } catch (error) {
      logger.debug({ err: error }, `lookup tables were not looked at: ${reasonOf(error)}`)
    }
  }

  async #compare(seat: Seat, copy: LookupCopy, { id, partitions }: TopicInfo): Promise<void> {
    const topic = seat.node.name
    if (seat.state === 'lost') return this.#readAgain(seat, 'the topic is back.')
    if (id !== copy.id) return this.#readAgain(seat, 'the topic was deleted and made anew.')
    const added = allPartitions(topic, partitions).filter(({ partition }) => !copy.positions.has(partition))
    if (added.length === 0) return
    const starts = await this.#options.log.admin.startOffsets(added)
    for (const { partition } of added) copy.positions.set(partition, offsetOf(starts, topic, partition) ?? 0)
    this.#options.logger.info({ topic }, `lookup table ${topic} has ${partitions} partitions now`)
    this.#changed()
  }
}

function hasReached({ copy, state }: Seat, ends: ReadonlyMap<number, number> | 'gone'): boolean {
  if (ends === 'gone') return true
  if (state !== 'following') return state === 'lost'
  return [...ends].every(([partition, end]) => (copy?.positions.get(partition) ?? 0) >= end)
}
