import fc from 'fast-check'
import { claims, continued, between, member, type Shares } from '../../../test/members.js'
import { assignTasks, type MemberState } from './assignor.js'
import { placeStandbys } from './standby-placement.js'

const work = fc.record({ tasks: fc.nat(20), replicas: fc.nat(3) })
const sizes = (shares: Shares): readonly number[] => [...shares.values()].map((share) => share.length)
const spread = (shares: Shares): number => Math.max(...sizes(shares)) - Math.min(...sizes(shares))

/** Owners and standbys when these members have been told. */
function assigned(tasks: number, replicas: number, members: readonly MemberState[]): { owned: Shares; placed: Shares } {
  const owned = assignTasks(tasks, members)
  return { owned, placed: placeStandbys({ tasks, replicas }, members, owned) }
}

/** What members say who have taken up what they were given. */
function settled(ids: readonly string[], { owned, placed }: { owned: Shares; placed: Shares }): readonly MemberState[] {
  return continued(ids, owned).map((one) => {
    const standbys = placed.get(one.id) ?? []
    return {
      ...one,
      standbys,
      current: standbys,
      stores: new Map([...one.holds, ...standbys].map((task) => [task, 1])),
    }
  })
}

describe('placeStandbys', () => {
  it('gives each task as many standbys as asked for or as there are others, never its owner, none twice', () => {
    fc.assert(
      fc.property(work, claims, ({ tasks, replicas }, members) => {
        const { owned, placed } = assigned(tasks, replicas, members)
        for (const { id } of members) {
          const standbys = placed.get(id) as readonly number[]
          expect(new Set(standbys).size).toBe(standbys.length)
          expect(standbys.filter((task) => owned.get(id)?.includes(task))).toEqual([])
        }
        for (const task of between(0, tasks)) {
          const holders = members.filter(({ id }) => placed.get(id)?.includes(task))
          expect(holders).toHaveLength(Math.min(replicas, members.length - 1))
        }
        expect([...placed.values()].flat().every((task) => task < tasks)).toBe(true)
      }),
    )
  })

  it('keeps their counts within one when members have nothing', () => {
    fc.assert(
      fc.property(work, fc.integer({ min: 1, max: 7 }), ({ tasks, replicas }, n) => {
        const members = between(0, n).map((i) => member(`m${i}`))
        expect(spread(assigned(tasks, replicas, members).placed)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('keeps their counts within two whatever members claim', () => {
    fc.assert(
      fc.property(work, claims, ({ tasks, replicas }, members) => {
        expect(spread(assigned(tasks, replicas, members).placed)).toBeLessThanOrEqual(2)
      }),
    )
  })

  it('comes to the same answer on every leader', () => {
    fc.assert(
      fc.property(work, claims, ({ tasks, replicas }, members) => {
        const one = assigned(tasks, replicas, members).placed
        const other = assigned(tasks, replicas, [...members].reverse()).placed
        for (const [id, share] of one) expect(other.get(id)).toEqual(share)
      }),
    )
  })

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(work, claims, ({ tasks, replicas }, members) => {
        const before = assigned(tasks, replicas, members)
        const ids = members.map(({ id }) => id)
        expect(assigned(tasks, replicas, settled(ids, before))).toEqual(before)
      }),
    )
  })

  it('lets a standby take each task of an owner that is gone, as long as its share is not full', () => {
    fc.assert(
      fc.property(fc.nat(24), fc.integer({ min: 3, max: 6 }), fc.nat(), (tasks, n, which) => {
        const ids = between(0, n).map((i) => `m${i}`)
        const members = ids.map((id) => member(id))
        const before = assigned(tasks, 1, members)
        const gone = ids[which % n] as string
        const left = settled(ids, before).filter(({ id }) => id !== gone)
        const { owned } = assigned(tasks, 1, left)
        const misplaced = (before.owned.get(gone) ?? []).filter((task) => {
          const standby = left.find(({ standbys }) => standbys.includes(task))?.id as string
          const share = owned.get(standby) ?? []
          return !share.includes(task) && share.length < Math.floor(tasks / (n - 1))
        })
        expect(misplaced).toEqual([])
      }),
    )
  })

  it('leaves a copy where a task ran that moves to a new member', () => {
    const old = member('a', { holds: [0, 1], stores: [0, 1] })
    const { owned, placed } = assigned(2, 1, [old, member('b')])
    expect(placed.get('a')).toEqual(owned.get('b'))
  })

  it('moves a share of the standbys to a member that joins, and no more', () => {
    const ids = ['a', 'b', 'c']
    const before = assigned(
      12,
      1,
      ids.map((id) => member(id)),
    )
    const now = assigned(12, 1, [...settled(ids, before), member('d')])
    expect(sizes(now.placed)).toEqual([3, 3, 3, 3])
    const stayed = ids.flatMap(
      (id) => now.placed.get(id)?.filter((task) => before.placed.get(id)?.includes(task)) ?? [],
    )
    expect(stayed.length).toBeGreaterThanOrEqual(6)
  })
})
