import { byId, type MemberState } from './assignor.js'

/**
 * On which members the standbys of each task are: as many as asked for, or as there are other members than the owner.
 * Sticky: they stay where they are, else go where the task ran until now, else where a store of it is, else to whoever has
 * least. Balanced: moved, the ones without state first, while a member has two more than another that could have one of
 * them. A pure function of its arguments.
 */
export function placeStandbys(
  { tasks, replicas }: { readonly tasks: number; readonly replicas: number },
  members: readonly MemberState[],
  owned: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly number[]> {
  const seats = [...members].sort(byId).map((member) => new Seat(member, owned.get(member.id) ?? []))
  const all = Array.from({ length: Math.min(replicas, seats.length - 1) * tasks }, (_, i) => i % Math.max(1, tasks))
  // Those with most state first, so that who has none is chosen by load when the other loads are known.
  let left = all
  for (const worth of [3, 2, 1, 0]) left = left.filter((task) => !seatOne(seats, task, worth))
  balance(seats)
  return new Map(seats.map(({ member, standbys }) => [member.id, [...standbys].sort((a, b) => a - b)]))
}

/** A member, and the standbys it is to have. */
class Seat {
  readonly member: MemberState
  readonly standbys = new Set<number>()
  readonly #owned: ReadonlySet<number>

  constructor(member: MemberState, owned: readonly number[]) {
    this.member = member
    this.#owned = new Set(owned)
  }

  mayTake(task: number): boolean {
    return !this.#owned.has(task) && !this.standbys.has(task)
  }

  /** How much of the state of a task it has: a standby, what it ran until now, an older store, nothing. */
  worth(task: number): number {
    const { standbys, holds, stores } = this.member
    if (standbys.includes(task)) return 3
    if (holds.includes(task)) return 2
    return stores.has(task) ? 1 : 0
  }

  position(task: number): number {
    return this.member.stores.get(task) ?? 0
  }
}

/** False when no member that may have it has state of this worth. */
function seatOne(seats: readonly Seat[], task: number, worth: number): boolean {
  const [best] = seats
    .filter((seat) => seat.mayTake(task) && seat.worth(task) === worth)
    .sort((a, b) => b.position(task) - a.position(task) || a.standbys.size - b.standbys.size)
  best?.standbys.add(task)
  return best !== undefined
}

/** Ends, because each move brings two counts closer to each other. */
function balance(seats: readonly Seat[]): void {
  for (let move = nextMove(seats); move !== undefined; move = nextMove(seats)) {
    move.from.standbys.delete(move.task)
    move.to.standbys.add(move.task)
  }
}

function nextMove(seats: readonly Seat[]): { from: Seat; to: Seat; task: number } | undefined {
  const bySize = [...seats].sort((a, b) => a.standbys.size - b.standbys.size || byId(a.member, b.member))
  for (const from of bySize.toReversed()) {
    for (const to of bySize) {
      if (from.standbys.size - to.standbys.size < 2) break
      const [task] = [...from.standbys]
        .filter((one) => to.mayTake(one))
        .sort((a, b) => from.worth(a) - to.worth(a) - (from.worth(b) - to.worth(b)) || a - b)
      if (task !== undefined) return { from, to, task }
    }
  }
  return undefined
}
