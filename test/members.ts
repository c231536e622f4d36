import fc from 'fast-check'
import type { MemberState } from '../lib/runtime/membership/assignor.js'

/** Tasks by member. */
export type Shares = ReadonlyMap<string, readonly number[]>

/** A member that says what is given and has nothing else. */
export function member(
  id: string,
  has: { readonly holds?: readonly number[]; readonly stores?: readonly number[]; readonly position?: number } = {},
): MemberState {
  const { holds = [], stores = [], position = 0 } = has
  return { id, holds, standbys: [], current: [], stores: new Map(stores.map((task) => [task, position])) }
}

/** Members that hold what they were given, and nothing else. */
export function continued(ids: readonly string[], before: Shares): readonly MemberState[] {
  return ids.map((id) => member(id, { holds: before.get(id) ?? [] }))
}

/** From 1 to 8 members that claim anything at all. */
export const claims: fc.Arbitrary<readonly MemberState[]> = fc
  .array(
    fc.record({
      holds: fc.array(fc.nat(30)),
      standbys: fc.uniqueArray(fc.nat(30)),
      current: fc.nat(5),
      stores: fc.array(fc.tuple(fc.nat(30), fc.nat(3))),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) =>
    all.map(({ holds, standbys, current, stores }, i) => ({
      id: `m${i}`,
      holds,
      standbys,
      current: standbys.slice(0, current),
      stores: new Map(stores),
    })),
  )

export function ownerIn(shares: Shares, task: number): string | undefined {
  return [...shares].find(([, held]) => held.includes(task))?.[0]
}

/** Tasks whose owner is another one. */
export function movedBetween(tasks: number, before: Shares, now: Shares): readonly number[] {
  return between(0, tasks).filter((task) => ownerIn(before, task) !== ownerIn(now, task))
}

/** Whole numbers from `from`, below `to`. */
export function between(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
