import fc from 'fast-check'
import { encodeTold, leaderTells, memberTells, type LeaderTells, type MemberTells } from './told.js'

const nothing = {
  transactions: '',
  instance: '',
  http: '',
  holds: [],
  standbys: [],
  current: [],
  stores: [],
  partitions: {},
}
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

describe('what members and leader tell each other', () => {
  it('arrives as it was told', () => {
    const member: MemberTells = {
      transactions: 'app:1',
      instance: 'a',
      http: 'http://10.0.0.1:7070',
      holds: [0, 2],
      standbys: [1, 3],
      current: [3],
      stores: [
        [0, 0],
        [1, 2 ** 40],
      ],
      partitions: { words: 4 },
    }
    const leader: LeaderTells = {
      tasks: [0],
      standbys: [1],
      alive: ['app:1', 'app:2'],
      you: 'app:1',
      partitions: { words: 4 },
    }
    expect(memberTells(encodeTold(member))).toEqual(member)
    expect(leaderTells(encodeTold(leader))).toEqual(leader)
  })

  it('counts as nothing where it cannot be read', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('{'), json(null), json([]), json(7), json('text')]) {
      expect(memberTells(bytes)).toEqual(nothing)
      expect(leaderTells(bytes)).toBeUndefined()
    }
    const odd = {
      transactions: 1,
      holds: 'all',
      standbys: [-1, 1.5, '2', 3],
      current: {},
      stores: [[1, -1], ['a', 1], []],
    }
    expect(memberTells(json({ ...odd, partitions: { a: -1, b: 'x', c: 2 } }))).toEqual({
      ...nothing,
      standbys: [3],
      partitions: { c: 2 },
    })
  })

  it('never throws, whatever a member tells', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (holds, stores) => {
        const told = memberTells(json({ holds, standbys: holds, current: stores, stores, partitions: stores }))
        expect(told.holds.every((task) => Number.isInteger(task))).toBe(true)
      }),
    )
  })

  it('is read from a member that tells which stores it has and not how far they are', () => {
    const told = memberTells(json({ transactions: 'app:1', holds: [0], stores: [0, 4] }))
    expect(told.stores).toEqual([
      [0, 0],
      [4, 0],
    ])
  })
})
