/** What a member says of itself when it joins. */
export interface MemberState {
  readonly id: string
  /** Tasks it runs, or is taking over. */
  readonly holds: readonly number[]
  /** Tasks it has a store of on disk. */
  readonly stores: readonly number[]
}

/**
 * Sticky and balanced: task counts differ by at most one; a task stays where it runs, else goes where a store of it is,
 * else to whoever has least. When one of n members joins, at most ⌈tasks/n⌉ tasks move.
 * A pure function of its arguments: every leader comes to the same answer.
 */
export function assignTasks(tasks: number, members: readonly MemberState[]): ReadonlyMap<string, readonly number[]> {
  // Whoever runs most comes first, so that the larger shares go where they move least.
  const ranked = [...members].sort((a, b) => b.holds.length - a.holds.length || (a.id < b.id ? -1 : 1))
  const least = Math.floor(tasks / ranked.length)
  const larger = tasks % ranked.length
  const shares = ranked.map((member, rank) => ({
    member,
    quota: least + (rank < larger ? 1 : 0),
    tasks: new Set<number>(),
  }))
  const free = new Set(Array.from({ length: tasks }, (_, task) => task))

  const give = (wants: (member: MemberState) => readonly number[]): void => {
    for (const share of shares) {
      for (const task of wants(share.member)) {
        if (share.tasks.size < share.quota && free.delete(task)) share.tasks.add(task)
      }
    }
  }
  give((member) => member.holds)
  give((member) => member.stores)
  give(() => [...free])
  return new Map(shares.map(({ member, tasks: given }) => [member.id, [...given].sort((a, b) => a - b)]))
}
