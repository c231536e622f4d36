import type { Assignment, GroupInfo, MemberTold } from '../../log/port.js'

/** What a member hears from its group between its own calls; must not call back into the group at once. */
export interface MemberEvents {
  /** Everybody is to join again. */
  round(): void
  /** Not a member any more. `fatal`: another took its static slot. */
  lost(reason: string, fatal: boolean): void
}

export interface JoinRequest {
  /** From `newMemberId`. */
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly told: Uint8Array
  readonly events: MemberEvents
}

export interface Joined {
  readonly generationId: number
  /** Of the leader only: all members, who are to be assigned. */
  readonly members: readonly MemberTold[] | undefined
}

/** What a member is told when its call has been overtaken. */
export type Overtaken = 'lost' | 'again'

interface Seat {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly events: MemberEvents
  told: Uint8Array
  assignment: Assignment
  joined: ((answer: Joined | Overtaken) => void) | undefined
  synced: ((answer: Assignment | Overtaken) => void) | undefined
}

const nothing: Assignment = { partitions: [], told: new Uint8Array() }

/**
 * One group under the classic protocol (Kafka protocol guide, "Group Membership"; static members: KIP-345): a round in
 * which everybody joins, an assignment by the leader, a generation. Nobody is timed out: a round waits for every member.
 */
export class Group {
  readonly name: string
  readonly #seats = new Map<string, Seat>()
  #generationId = 0
  #phase: 'joining' | 'syncing' | 'stable' = 'stable'
  #leader = ''
  #seated = 0

  constructor(name: string) {
    this.name = name
  }

  get generationId(): number {
    return this.#generationId
  }

  get isEmpty(): boolean {
    return this.#seats.size === 0
  }

  get info(): GroupInfo {
    const isStable = this.#phase === 'stable'
    const members = [...this.#seats.values()].map(({ memberId, instanceId, told, assignment }) => ({
      id: memberId,
      instanceId,
      clientId: 'memory',
      host: '',
      told: isStable ? told : undefined,
      assignment: isStable ? assignment : undefined,
    }))
    return { state: isStable ? 'stable' : 'rebalancing', members }
  }

  has(memberId: string): boolean {
    return this.#seats.has(memberId)
  }

  /** A member asks for its id before it joins (KIP-394), so that it can leave while it waits for a round to end. */
  newMemberId(instanceId: string | undefined): string {
    return `${instanceId ?? 'member'}-${++this.#seated}`
  }

  /** Resolves when the round is over. */
  join(request: JoinRequest): Promise<Joined | Overtaken> {
    return new Promise((answer) => {
      const known = this.#seats.get(request.memberId)
      const older = known === undefined ? this.#holderOf(request.instanceId) : undefined
      const seat = known ?? (older === undefined ? this.#seat(request) : this.#replace(older, request))
      if (older === undefined || this.#phase !== 'stable') return this.#enter(seat, request, answer)
      // A static member that comes back takes up where its older self was; the others need not move.
      answer({ generationId: this.#generationId, members: undefined })
    })
  }

  /** Resolves when the leader has assigned. The leader brings the assignments. */
  sync(
    memberId: string,
    generationId: number,
    assignments: ReadonlyMap<string, Assignment> | undefined,
  ): Promise<Assignment | Overtaken> {
    return new Promise((answer) => {
      const seat = this.#seats.get(memberId)
      if (seat === undefined) return answer('lost')
      if (generationId !== this.#generationId || this.#phase === 'joining') return answer('again')
      if (this.#phase === 'stable') return answer(seat.assignment)
      seat.synced = answer
      if (assignments !== undefined) this.#assign(assignments)
    })
  }

  /** Takes a member out; the others share anew. */
  remove(memberId: string): Seat | undefined {
    const seat = this.#seats.get(memberId)
    if (seat === undefined) return undefined
    this.#seats.delete(memberId)
    overtake(seat, 'lost')
    if (this.#seats.size === 0) this.#phase = 'stable'
    else {
      this.#callRound()
      this.#endRound()
    }
    return seat
  }

  /** As when the session of a member expires. */
  expel(memberId: string): void {
    this.remove(memberId)?.events.lost(`expelled from group '${this.name}'`, false)
  }

  #enter(seat: Seat, { told }: JoinRequest, answer: (answer: Joined | Overtaken) => void): void {
    seat.told = told
    seat.joined = answer
    this.#callRound()
    this.#endRound()
  }

  #seat({ memberId, instanceId, told, events }: JoinRequest): Seat {
    const seat = { memberId, instanceId, events, told, assignment: nothing, joined: undefined, synced: undefined }
    this.#seats.set(memberId, seat)
    return seat
  }

  #replace(older: Seat, request: JoinRequest): Seat {
    this.#seats.delete(older.memberId)
    const seat = this.#seat(request)
    seat.assignment = older.assignment
    overtake(older, 'lost')
    older.events.lost(`another member joined group '${this.name}' as '${older.instanceId}'`, true)
    return seat
  }

  #holderOf(instanceId: string | undefined): Seat | undefined {
    if (instanceId === undefined) return undefined
    for (const seat of this.#seats.values()) if (seat.instanceId === instanceId) return seat
    return undefined
  }

  #callRound(): void {
    if (this.#phase === 'joining') return
    this.#phase = 'joining'
    for (const seat of this.#seats.values()) {
      seat.synced?.('again')
      seat.synced = undefined
      if (seat.joined === undefined) seat.events.round()
    }
  }

  #endRound(): void {
    const seats = [...this.#seats.values()]
    if (seats.some((seat) => seat.joined === undefined)) return
    this.#generationId++
    this.#phase = 'syncing'
    if (!this.#seats.has(this.#leader)) this.#leader = seats[0]!.memberId
    const members = seats.map(({ memberId, told }): MemberTold => ({ id: memberId, told }))
    for (const seat of seats) {
      const { memberId, joined } = seat
      seat.joined = undefined
      joined?.({ generationId: this.#generationId, members: memberId === this.#leader ? members : undefined })
    }
  }

  #assign(assignments: ReadonlyMap<string, Assignment>): void {
    this.#phase = 'stable'
    for (const seat of this.#seats.values()) {
      seat.assignment = assignments.get(seat.memberId) ?? nothing
      seat.synced?.(seat.assignment)
      seat.synced = undefined
    }
  }
}

function overtake(seat: Seat, how: Overtaken): void {
  seat.joined?.(how)
  seat.synced?.(how)
  seat.joined = seat.synced = undefined
}
