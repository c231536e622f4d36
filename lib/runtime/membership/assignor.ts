/** What a member says of itself when it joins. */
export interface MemberState {
  readonly id: string
  /** Tasks it runs, or is taking over. */
  readonly holds: readonly number[]
  /** Tasks it keeps a standby of. */
  readonly standbys: readonly number[]
  /** Those of its standbys that had reached the end of their changelogs. */
  readonly current: readonly number[]
  /** How far each store on its disk is, standbys included; 0 where that is not known. */
  readonly stores: ReadonlyMap<number, number>
}

/**
 * Sticky and balanced: task counts differ by at most one; a task stays where it runs, else goes where a standby is up to
 * date, else where a store of it is (the one least behind first), else to whoever has least. When one of n members joins,
 * at most ⌈tasks/n⌉ tasks move. The first `stateTasks` have state: where it costs no move, those are shared evenly too.
 * A pure function of its arguments: every leader comes to the same answer.
 */
export function assignTasks(
  tasks: number,
  members: readonly MemberState[],
  stateTasks = tasks,
): ReadonlyMap<string, readonly number[]> {
  const ranked = [...members].sort(byId)
  const shares = new Shares(tasks, stateTasks, ranked)
  keepWhatRuns(shares, ranked)
  giveTo(shares, ranked, ({ current, stores }) => new Map(current.map((task) => [task, stores.get(task) ?? 0])))
  giveTo(shares, ranked, ({ stores }) => stores)
  // In order, so that the tasks with state are shared out first.
  for (const task of shares.free) {
    const [least] = ranked.filter((member) => shares.hasRoom(member)).sort((a, b) => shares.compare(task, a, b))
    if (least !== undefined) shares.give(least, task)
  }
  return shares.sorted()
}

/** So many things shared out: everybody gets the same number, some one more until none is left over. */
class Quotas {
  readonly least: number
  readonly #given = new Map<string, number>()
  /** Members that may still get one more than the least. */
  #larger: number

  constructor(things: number, members: number) {
    this.least = Math.floor(things / members)
    this.#larger = things % members
  }

  given({ id }: MemberState): number {
    return this.#given.get(id) ?? 0
  }

  hasRoom(member: MemberState): boolean {
    const given = this.given(member)
    return given < this.least || (given === this.least && this.#larger > 0)
  }

  give(member: MemberState): void {
    const given = this.given(member)
    if (given === this.least) this.#larger--
    this.#given.set(member.id, given + 1)
  }
}

/** Who got what so far, and who may get more. */
class Shares {
  readonly free: Set<number>
  readonly #stateTasks: number
  readonly #all: Quotas
  readonly #withState: Quotas
  readonly #given: ReadonlyMap<string, number[]>

  constructor(tasks: number, stateTasks: number, members: readonly MemberState[]) {
    this.free = new Set(Array.from({ length: tasks }, (_, task) => task))
    this.#stateTasks = stateTasks
    this.#all = new Quotas(tasks, members.length)
    this.#withState = new Quotas(stateTasks, members.length)
    this.#given = new Map(members.map(({ id }) => [id, []]))
  }

  hasRoom(member: MemberState): boolean {
    return this.#all.hasRoom(member)
  }

  hasState(task: number): boolean {
    return task < this.#stateTasks
  }

  /** Whether this one more with state would be no more than an even share of those. */
  isEven(member: MemberState, task: number): boolean {
    return !this.hasState(task) || this.#withState.hasRoom(member)
  }

  /** Whether a member that runs so many tasks will not have to give any up. */
  fits(count: number): boolean {
    return count <= this.#all.least
  }

  /** Who of two should rather have a task: who has fewer of its sort, then who has fewer. */
  compare(task: number, a: MemberState, b: MemberState): number {
    const ofSort = this.hasState(task) ? this.#withState.given(a) - this.#withState.given(b) : 0
    return ofSort || this.#all.given(a) - this.#all.given(b)
  }

  give(member: MemberState, task: number): void {
    if (!this.hasRoom(member) || !this.free.delete(task)) return
    this.#all.give(member)
    if (this.hasState(task)) this.#withState.give(member)
    this.#given.get(member.id)?.push(task)
  }

  sorted(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#given].map(([id, tasks]) => [id, tasks.sort((a, b) => a - b)]))
  }
}

/** Who runs most comes first, so that the larger shares go where least moves; what others have state of is given up first. */
function keepWhatRuns(shares: Shares, members: readonly MemberState[]): void {
  const holds = new Map(
    members.map((member) => [member, new Set(member.holds.filter((task) => shares.free.has(task)))]),
  )
  const count = (member: MemberState): number => holds.get(member)?.size ?? 0
  const takers = members.filter((member) => shares.fits(count(member)))
  const wanted = (task: number): number => {
    if (takers.some(({ current }) => current.includes(task))) return 2
    return takers.some(({ stores }) => stores.has(task)) ? 1 : 0
  }
  for (const member of [...members].sort((a, b) => count(b) - count(a) || byId(a, b))) {
    const keeps = [...(holds.get(member) ?? [])]
    if (!shares.fits(count(member))) keeps.sort((a, b) => wanted(a) - wanted(b) || a - b)
    for (const task of keeps) if (shares.hasState(task) && shares.isEven(member, task)) shares.give(member, task)
    for (const task of keeps) if (!shares.hasState(task)) shares.give(member, task)
    for (const task of keeps) shares.give(member, task)
  }
}

/** Gives free tasks to members that have state of them; those first that have the fewest to go to. */
function giveTo(
  shares: Shares,
  members: readonly MemberState[],
  stateOf: (member: MemberState) => ReadonlyMap<number, number>,
): void {
  const owners = new Map<number, { readonly member: MemberState; readonly position: number }[]>()
  for (const member of members) {
    for (const [task, position] of stateOf(member)) {
      if (shares.free.has(task)) owners.set(task, [...(owners.get(task) ?? []), { member, position }])
    }
  }
  const order = [...owners].sort(([a, ofA], [b, ofB]) => ofA.length - ofB.length || a - b)
  for (const [task, all] of order) {
    const [best] = all
      .filter(({ member }) => shares.hasRoom(member))
      .sort((a, b) => b.position - a.position || shares.compare(task, a.member, b.member))
    if (best !== undefined) shares.give(best.member, task)
  }
}

export const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)
