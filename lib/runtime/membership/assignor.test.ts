import fc from 'fast-check'
import { assignTasks, type MemberState } from './assignor.js'
import { between, claims, continued, member, movedBetween, ownerIn, type Shares } from '../../../test/members.js'

const tasksAndMembers = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), fc.nat(40))
const names = (n: number): readonly string[] => Array.from({ length: n }, (_, i) => `m${i}`)
const after = (tasks: number, ids: readonly string[], before: Shares, stateTasks = tasks): Shares =>
  assignTasks(tasks, continued(ids, before), Math.min(tasks, stateTasks))

describe('assignTasks', () => {
  it('gives every task to exactly one member and keeps counts within one, whatever members claim', () => {
    fc.assert(
      fc.property(fc.nat(24), claims, (tasks, members) => {
        const given = [...assignTasks(tasks, members).values()]
        expect(given.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: tasks }, (_, task) => task))
        const sizes = given.map((share) => share.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('comes to the same answer on every leader, in whatever order it hears of the members', () => {
    fc.assert(
      fc.property(fc.nat(24), claims, (tasks, members) => {
        const other = assignTasks(tasks, [...members].reverse())
        for (const [id, share] of assignTasks(tasks, members)) expect(other.get(id)).toEqual(share)
      }),
    )
  })

  it('moves at most ⌈tasks/n⌉ tasks when a member joins, all of them to it, whatever state members have', () => {
    fc.assert(
      fc.property(tasksAndMembers, claims, ([tasks, n, stateTasks], states) => {
        const before = after(tasks, names(n), new Map(), stateTasks)
        const old = continued(names(n), before).map((one, i) => ({ ...one, ...stateOf(states[i]) }))
        const members = [...old, { ...member('new'), ...stateOf(states[n]) }]
        const now = assignTasks(tasks, members, Math.min(tasks, stateTasks))
        const moved = movedBetween(tasks, before, now)
        expect(moved.length).toBeLessThanOrEqual(Math.ceil(tasks / (n + 1)))
        expect(moved.map((task) => ownerIn(now, task))).toEqual(moved.map(() => 'new'))
      }),
    )
  })

  it('moves only the tasks of those that left', () => {
    fc.assert(
      fc.property(tasksAndMembers, fc.nat(), ([tasks, n, stateTasks], which) => {
        const ids = [...names(n), 'other']
        const gone = ids[which % ids.length]
        const before = after(tasks, ids, new Map(), stateTasks)
        const now = after(
          tasks,
          ids.filter((id) => id !== gone),
          before,
          stateTasks,
        )
        expect(movedBetween(tasks, before, now)).toEqual(before.get(gone as string))
      }),
    )
  })

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(fc.nat(24), claims, (tasks, members) => {
        const before = assignTasks(tasks, members)
        const same = members.map((one) => ({ ...one, holds: before.get(one.id) ?? [] }))
        expect(assignTasks(tasks, same)).toEqual(before)
      }),
    )
  })

  it('shares the tasks with state evenly too, when nobody has anything and when one takes from another', () => {
    fc.assert(
      fc.property(tasksAndMembers, ([tasks, n, wish]) => {
        const stateTasks = Math.min(tasks, wish)
        const withState = (shares: Shares): readonly number[] =>
          [...shares.values()].map((share) => share.filter((task) => task < stateTasks).length)
        const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts)
        expect(spread(withState(after(tasks, names(n), new Map(), stateTasks)))).toBeLessThanOrEqual(1)
        const all = new Map([['m0', between(0, tasks)]])
        expect(spread(withState(after(tasks, ['m0', 'm1'], all, stateTasks)))).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('gives a task that nobody runs to who has state of it, if only one has and there is room', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(), (n, each, seed) => {
        // Each member has stores of as many tasks as it will get.
        const stores = names(n).map((id, i) => ({ id, of: between(i * each, (i + 1) * each) }))
        const rotated = stores.map(({ of }, i) => member(names(n)[(i + seed) % n] as string, { stores: of }))
        const now = assignTasks(n * each, rotated)
        for (const { id, stores: own } of rotated) expect(now.get(id)).toEqual([...own.keys()])
      }),
    )
  })

  it('prefers, where a task is free, an up-to-date standby to a store, and of two stores the one less behind', () => {
    const stale = member('a', { stores: [0, 1], position: 10 })
    const fresh = member('b', { stores: [0, 1], position: 20 })
    const standby = { ...member('c', { stores: [0], position: 5 }), standbys: [0], current: [0] }
    const shares = assignTasks(3, [stale, fresh, standby])
    expect([ownerIn(shares, 0), ownerIn(shares, 1)]).toEqual(['c', 'b'])
  })

  it('lets a single task go to the one member with state, whatever the members are called', () => {
    expect(assignTasks(1, [member('a'), member('b', { stores: [0] })]).get('b')).toEqual([0])
  })

  it('takes from who runs too much what the new member has state of', () => {
    const shares = assignTasks(4, [member('a', { holds: [0, 1, 2, 3] }), member('b', { stores: [0, 1] })])
    expect(shares.get('b')).toEqual([0, 1])
  })

  it('leaves a task where it runs although another has a standby of it', () => {
    const standby = { ...member('b', { holds: [1], stores: [0] }), standbys: [0], current: [0] }
    expect(assignTasks(2, [member('a', { holds: [0] }), standby]).get('a')).toEqual([0])
  })
})

/** What a member has besides the tasks it runs. */
function stateOf(one: MemberState | undefined): Partial<MemberState> {
  return one === undefined ? {} : { standbys: one.standbys, current: one.current, stores: one.stores }
}
