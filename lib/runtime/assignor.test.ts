import fc from 'fast-check'
import { assignTasks, type MemberState } from './assignor.js'

const member = (id: string, holds: number[] = [], stores: number[] = []): MemberState => ({ id, holds, stores })
const after = (
  tasks: number,
  ids: readonly string[],
  before: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly number[]> =>
  assignTasks(
    tasks,
    ids.map((id) => member(id, [...(before.get(id) ?? [])])),
  )
const moved = (
  tasks: number,
  before: ReadonlyMap<string, readonly number[]>,
  now: ReadonlyMap<string, readonly number[]>,
): number => {
  const ownerIn = (shares: ReadonlyMap<string, readonly number[]>, task: number) =>
    [...shares].find(([, held]) => held.includes(task))?.[0]
  return Array.from({ length: tasks }, (_, task) => task).filter((task) => ownerIn(before, task) !== ownerIn(now, task))
    .length
}

describe('assignTasks', () => {
  it('gives every task to exactly one member and keeps counts within one, whatever members claim', () => {
    const claims = fc.array(fc.record({ holds: fc.array(fc.nat(30)), stores: fc.array(fc.nat(30)) }), {
      minLength: 1,
      maxLength: 7,
    })
    fc.assert(
      fc.property(fc.nat(24), claims, (tasks, members) => {
        const shares = assignTasks(
          tasks,
          members.map((claim, i) => ({ id: `m${i}`, ...claim })),
        )
        const given = [...shares.values()]
        expect(given.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: tasks }, (_, task) => task))
        const sizes = given.map((share) => share.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('moves at most ⌈tasks/n⌉ tasks when a member joins', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), (tasks, n) => {
        const ids = Array.from({ length: n }, (_, i) => `m${i}`)
        const before = after(tasks, ids, new Map())
        const now = after(tasks, [...ids, 'new'], before)
        expect(moved(tasks, before, now)).toBeLessThanOrEqual(Math.ceil(tasks / (n + 1)))
      }),
    )
  })

  it('moves only the tasks of the one that left', () => {
    const before = after(12, ['a', 'b', 'c'], new Map())
    const now = after(12, ['a', 'b'], before)
    expect(moved(12, before, now)).toBe(4)
  })

  it('changes nothing when nothing changed', () => {
    const before = after(10, ['a', 'b', 'c'], new Map())
    expect(after(10, ['c', 'a', 'b'], before)).toEqual(before)
  })

  it('prefers who has a store of a free task', () => {
    const shares = assignTasks(4, [member('a'), member('b', [], [0, 1])])
    expect(shares.get('b')).toEqual([0, 1])
  })
})
