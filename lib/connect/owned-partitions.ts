import { createHash } from 'node:crypto'
import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Assignment, Generation, LogPort, MemberTold, Membership } from '../log/port.js'

/** What is done for one partition, for as long as it is ours. */
export interface Worker {
  /** Ends it; resolves when nothing of it is under way any more. Never rejects. */
  stop(): Promise<void>
}

export interface OwnedOptions {
  readonly log: Pick<LogPort, 'join'>
  readonly group: string
  readonly topic: string
  /** How many partitions there are to share out now; asked at each assignment. */
  readonly count: () => Promise<number>
  /** Where partitions are known by name, and processes of several versions know different ones: instead of `count`. Up to 1,000. */
  readonly names?: readonly string[]
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly logger: Logger
  /**
   * Begins with a partition, its place in `names` where there are some; `generation`: under which its offsets are committed, the
   * present one at each call.
   */
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

  /** Asked for, perhaps before `join` has resolved. */
  #rejoinFor: string | undefined
  readonly #ids: readonly number[] | undefined

  constructor(options: OwnedOptions) {
    this.#options = options
    this.#ids = options.names?.map(idOf)
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
      tell: () => Buffer.from(JSON.stringify({ count: this.#count, ids: this.#ids, held: this.#held })),
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
    if (this.#rejoinFor !== undefined) membership.rejoin(this.#rejoinFor)
    // It was to leave when it had just joined.
    if (this.#leaving.signal.aborted) await membership.leave()
  }

  /** The topic has more partitions, or what else a new round is for. */
  rejoin(reason: string): void {
    this.#rejoinFor = reason
    this.#membership?.rejoin(reason)
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    await this.#stopAll()
    await this.#membership?.leave()
  }

  /** Of the last assignment, also when they are stopped just now. */
  #held: readonly number[] = []

  async #assigned(generation: Generation, assignment: Assignment): Promise<void> {
    this.#rejoinFor = undefined
    const turn = ++this.#turn
    await this.#stopAll()
    if (this.#leaving.signal.aborted || turn !== this.#turn) return
    this.#generation = generation
    this.#held = heldIn(assignment, this.#options.topic)
    for (const held of this.#held) {
      const place = this.#ids === undefined ? held : this.#ids.indexOf(held)
      if (place < 0) continue
      this.#workers.set(
        place,
        this.#options.begin(place, () => this.#generation as Generation),
      )
    }
  }

  /** Also waits for those that are being stopped: who was thrown out of the group has no new generation before they are done. */
  async #stopAll(): Promise<void> {
    const workers = [...this.#workers.values()]
    this.#workers.clear()
    this.#stopped = Promise.all([this.#stopped, ...workers.map((worker) => worker.stop())])
    await this.#stopped
  }
}

/** By which a name is known in the group, whatever the place that a process knows it in. */
const idOf = (name: string): number => createHash('sha256').update(name).digest().readUIntBE(0, 6)

interface Told {
  readonly count: number
  /** Instead of all below `count`. */
  readonly ids: readonly number[] | undefined
  readonly held: readonly number[]
}

/** Runs on the leader: everybody keeps what they have, up to a fair share, and the rest goes to those that have least. */
function shares(topic: string, members: readonly MemberTold[]): ReadonlyMap<string, Assignment> {
  const told = members.map(({ id, told: bytes }) => ({ id, ...readTold(bytes) })).sort((a, b) => (a.id < b.id ? -1 : 1))
  const count = Math.max(0, ...told.map((member) => member.count))
  const all = told.flatMap(({ ids }) => ids ?? [])
  const free = new Set(all.length > 0 ? all : Array.from({ length: count }, (_, i) => i))
  const most = Math.ceil(free.size / Math.max(1, told.length))
  const kept = told.map(({ id, ids, held }) => ({
    id,
    knows: (partition: number): boolean => ids === undefined || ids.includes(partition),
    own: held
      .filter((partition) => free.has(partition) && (ids === undefined || ids.includes(partition)))
      .slice(0, most),
  }))
  const taken = new Set<number>()
  for (const member of kept) {
    member.own = member.own.filter((partition) => !taken.has(partition))
    member.own.forEach((partition) => taken.add(partition))
  }
  for (const partition of free) {
    if (taken.has(partition)) continue
    // One that only some know, when a newer version is rolled out, is for them.
    const able = kept.filter((member) => member.knows(partition))
    if (able.length === 0) continue
    const least = able.reduce((a, b) => (b.own.length < a.own.length ? b : a))
    least.own.push(partition)
  }
  // Those that are known by name have places here only for who looks at the group with Kafka's tools.
  const places = new Map([...free].sort((a, b) => a - b).map((partition, place) => [partition, place]))
  return new Map(
    kept.map(({ id, own }) => [
      id,
      {
        partitions: own.map((partition) => ({ topic, partition: places.get(partition) as number })),
        told: all.length > 0 ? Buffer.from(JSON.stringify(own)) : new Uint8Array(0),
      },
    ]),
  )
}

/** What is assigned to this process; nothing that a leader has assigned which is of another kind. */
function heldIn({ partitions, told }: Assignment, topic: string): readonly number[] {
  const own = partitions.filter((at) => at.topic === topic).map(({ partition }) => partition)
  if (told.length === 0) return own
  try {
    const ids: unknown = JSON.parse(Buffer.from(told).toString())
    return Array.isArray(ids) ? ids.filter((id): id is number => Number.isSafeInteger(id)) : []
  } catch {
    return []
  }
}

/** Who is in the group and not of this library gets nothing that it could hold. */
function readTold(bytes: Uint8Array): Told {
  try {
    const { count, ids, held } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Told>
    const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 && count <= 1_000_000
    return {
      count: isCount ? count : 0,
      ids: Array.isArray(ids) ? ids.filter(Number.isSafeInteger) : undefined,
      held: Array.isArray(held) ? held.filter(Number.isSafeInteger) : [],
    }
  } catch {
    return { count: 0, ids: [], held: [] }
  }
}
