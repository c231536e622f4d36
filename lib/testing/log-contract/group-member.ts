import type { TopicPartition } from '../../core/record.js'
import type { Assignment, Generation, LogPort, Membership, MemberTold } from '../../log/port.js'
import { known, allPartitions } from './rows.js'

export interface GroupMemberOptions {
  readonly group: string
  readonly topic: string
  readonly partitions: number
  readonly instanceId?: string
  /** What this member tells; may change between joins. */
  readonly tell?: () => string
  /** Awaited in `onRevoke`. */
  readonly barrier?: () => Promise<void>
  /** Ends the join. */
  readonly signal?: AbortSignal
}

/** A member that writes down what happens to it, and deals partitions out round robin when it leads. */
export class GroupMember implements AsyncDisposable {
  readonly group: string
  /** 'revoke', 'revoked', 'assign <generation>', 'lost', 'lost fatally'. */
  readonly events: string[] = []
  /** The `continuous` flag of each assignment so far. */
  readonly continuous: boolean[] = []
  generation: Generation
  assignment: Assignment
  #membership: Membership | undefined

  private constructor(group: string) {
    this.group = group
    this.generation = { group, generationId: -1, memberId: '' }
    this.assignment = { partitions: [], told: Buffer.alloc(0) }
  }

  static async join(log: LogPort, options: GroupMemberOptions): Promise<GroupMember> {
    const { group, topic, partitions, instanceId, tell = () => '', barrier = async () => undefined } = options
    const member = new GroupMember(group)
    member.#membership = await log.join({
      group,
      topics: [topic],
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      sessionTimeoutMs: 10_000,
      tell: () => Buffer.from(tell()),
      assign: (members) => deal(members, allPartitions(topic, partitions)),
      onRevoke: async () => {
        member.events.push('revoke')
        await barrier()
        member.events.push('revoked')
      },
      onAssign: async (generation, assignment, continuous) => {
        member.events.push(`assign ${generation.generationId}`)
        member.generation = generation
        member.assignment = assignment
        member.continuous.push(continuous)
      },
      onLost: (_reason, fatal) => {
        member.events.push(fatal ? 'lost fatally' : 'lost')
      },
    })
    return member
  }

  get membership(): Membership {
    return known(this.#membership)
  }

  /** Partitions held, in order. */
  get held(): number[] {
    return this.assignment.partitions.map(({ partition }) => partition).sort((a, b) => a - b)
  }

  /** What the leader told: what all members told it, in the order of their names. */
  get told(): string {
    return Buffer.from(this.assignment.told).toString()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.membership.leave()
  }
}

function deal(members: readonly MemberTold[], partitions: readonly TopicPartition[]): ReadonlyMap<string, Assignment> {
  const ids = members.map(({ id }) => id).sort()
  const everything = members.map(({ told }) => Buffer.from(told).toString()).sort()
  return new Map(
    ids.map((id, i) => [
      id,
      {
        partitions: partitions.filter(({ partition }) => partition % ids.length === i),
        told: Buffer.from(everything.join(' ')),
      },
    ]),
  )
}
