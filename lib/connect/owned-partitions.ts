import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Assignment, Generation, LogPort, MemberTold, Membership } from '../log/port.js'

/** What is done for one partition, for as long as it is ours. */
export interface Worker {
  /** Ends it; resolves when nothing of it is under way any more. Never rejects. */
  stop(): Promise<void>
}

export interface OwnedOptions {
  readonly log: LogPort
  readonly group: string
  readonly topic: string
  /** How many partitions there are to share out now; asked at each assignment. */
  readonly count: () => Promise<number>
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly logger: Logger
  /** Begins with a partition; `generation`: under which its offsets are committed, the present one at each call. */
  readonly begin: (partition: number, generation: () => Generation) => Worker
  /** This process cannot be in the group. */
  readonly onFailure: (error: unknown) => void
}

/**
 * A share of a topic's partitions among all who are in the group, one worker for each. All workers are stopped before a new round:
 * so nobody begins with a partition before its last owner has stopped, except after that owner's death.
 */
export class OwnedPartitions {
  readonly #options: OwnedOptions
  readonly #workers = new Map<number, Worker>()
  readonly #leaving = new AbortController()
  #stopped: Promise<unknown> = Promise.resolve()
  #membership: Membership | undefined
  #generation: Generation | undefined
  #count = 0
  /** Of assignments and losses: what was assigned before the last one is not begun any more. */
  #turn = 0

  constructor(options: OwnedOptions) {
    this.#options = options
  }

  get partitions(): readonly number[] {
    return [...this.#workers.keys()].sort((a, b) => a - b)
  }

  /** Resolves with the first assignment. */
  async join(): Promise<void> {
    const { log, group, topic, count, instanceId, sessionTimeoutMs } = this.#options
    this.#count = await count()
    const membership = await log.join({
      group,
      topics: [topic],
      sessionTimeoutMs,
      signal: this.#leaving.signal,
      ...(instanceId === undefined ? {} : { instanceId }),
      // Those it has: a leader leaves them where they are.
      tell: () => Buffer.from(JSON.stringify({ count: this.#count, held: this.#held })),
      assign: (members) => shares(topic, members),
      onRevoke: async () => {
        await this.#stopAll()
        this.#count = await count().catch(() => this.#count)
      },
      onAssign: (generation, assignment) => this.#assigned(generation, assignment),
      onLost: (reason, fatal) => {
        this.#options.logger.warn({ group, reason }, `no longer a member of group '${group}': ${reason}`)
        this.#turn++
        void this.#stopAll()
        if (fatal) this.#options.onFailure(new MillraceError('MEMBER_UNKNOWN', reason))
      },
    })
    this.#membership = membership
    // It was to leave when it had just joined.
    if (this.#leaving.signal.aborted) await membership.leave()
  }

  /** The topic has more partitions, or what else a new round is for. */
  rejoin(reason: string): void {
    this.#membership?.rejoin(reason)
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    await this.#stopAll()
    await this.#membership?.leave()
  }

  /** Of the last assignment, also when they are stopped just now. */
  #held: readonly number[] = []

  async #assigned(generation: Generation, { partitions }: Assignment): Promise<void> {
    const turn = ++this.#turn
    await this.#stopAll()
    if (this.#leaving.signal.aborted || turn !== this.#turn) return
    this.#generation = generation
    this.#held = partitions.map(({ partition }) => partition)
    for (const partition of this.#held)
      this.#workers.set(
        partition,
        this.#options.begin(partition, () => this.#generation as Generation),
      )
  }

  /** Also waits for those that are being stopped: who was thrown out of the group has no new generation before they are done. */
  async #stopAll(): Promise<void> {
    const workers = [...this.#workers.values()]
    this.#workers.clear()
    this.#stopped = Promise.all([this.#stopped, ...workers.map((worker) => worker.stop())])
    await this.#stopped
  }
}

interface Told {
  readonly count: number
  readonly held: readonly number[]
}

/** Runs on the leader: everybody keeps what they have, up to a fair share, and the rest goes to those that have least. */
function shares(topic: string, members: readonly MemberTold[]): ReadonlyMap<string, Assignment> {
  const told = members.map(({ id, told: bytes }) => ({ id, ...readTold(bytes) })).sort((a, b) => (a.id < b.id ? -1 : 1))
  const count = Math.max(0, ...told.map((member) => member.count))
  const most = Math.ceil(count / Math.max(1, told.length))
  const free = new Set(Array.from({ length: count }, (_, i) => i))
  const kept = told.map(({ id, held }) => ({
    id,
    own: held.filter((partition) => free.has(partition)).slice(0, most),
  }))
  const taken = new Set<number>()
  for (const member of kept) {
    member.own = member.own.filter((partition) => !taken.has(partition))
    member.own.forEach((partition) => taken.add(partition))
  }
  for (const partition of free) {
    if (taken.has(partition)) continue
    const least = kept.reduce((a, b) => (b.own.length < a.own.length ? b : a))
    least.own.push(partition)
  }
  return new Map(
    kept.map(({ id, own }) => [
      id,
      { partitions: own.map((partition) => ({ topic, partition })), told: new Uint8Array(0) },
    ]),
  )
}

/** Who is in the group and not of this library gets nothing that it could hold. */
function readTold(bytes: Uint8Array): Told {
  try {
    const { count, held } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Told>
    const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 && count <= 1_000_000
    return { count: isCount ? count : 0, held: Array.isArray(held) ? held.filter(Number.isSafeInteger) : [] }
  } catch {
    return { count: 0, held: [] }
  }
}
