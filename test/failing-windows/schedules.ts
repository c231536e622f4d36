import fc from 'fast-check'
import { crashSteps, type CrashStep } from '../../lib/testing/life.js'

/** Windows whose turns fail, wait, crash and are replayed: what is sent to them, and what happens meanwhile. */

export interface Click {
  readonly user: string
  readonly at: number
  readonly id: number
  /** With it the window is forgotten. */
  readonly deletes: boolean
}

export const mostBehindMs = 3_000

export interface Schedule {
  readonly partitions: number
  /** Which source partition clicks go to: that of their user, one for all, or any. */
  readonly through: 'own' | 'one' | 'any'
  readonly clicks: readonly {
    readonly user: number
    readonly stepMs: number
    readonly behind: number
    readonly deletes: boolean
  }[]
  /** How often turns fail before they succeed; Infinity: until all is repaired. Which of these, a number made of the turn says. */
  readonly failures: readonly number[]
  /** How long turns take, by a number made of the turn: undefined for synchronous ones. */
  readonly slow: readonly Slowness[]
  /** After each piece of the input. */
  readonly events: readonly Event[]
}

/** `soon`: a moment; `late`: longer than a commit waits. */
export type Slowness = 'soon' | 'late' | undefined

export type Event =
  | { readonly crash: CrashStep | undefined }
  | { readonly advance: number }
  | { readonly replay: true }
  | { readonly release: true }
  | { readonly loseDisk: true }
  | { readonly none: true }

const schedulesOf = (more: fc.WeightedArbitrary<Event>[]): fc.Arbitrary<Schedule> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 3 }),
    through: fc.constantFrom('own', 'one', 'any'),
    clicks: fc.array(
      fc.record({
        user: fc.nat(3),
        stepMs: fc.nat(900),
        behind: fc.double({ min: 0, max: 1, noNaN: true }),
        deletes: fc.nat(11).map((chance) => chance === 11),
      }),
      { minLength: 1, maxLength: 60, size: 'max' },
    ),
    failures: fc.array(fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3, Infinity), { minLength: 7, maxLength: 31 }),
    slow: fc.oneof(
      fc.constant([undefined]),
      fc.array(fc.constantFrom<Slowness[]>(undefined, 'soon', 'soon', 'late'), { minLength: 5, maxLength: 11 }),
    ),
    events: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant({ none: true as const }) },
        { weight: 2, arbitrary: fc.record({ advance: fc.constantFrom(100, 250, 1_000, 7_000) }) },
        { weight: 2, arbitrary: fc.record({ crash: fc.constantFrom(undefined, ...crashSteps) }) },
        { weight: 1, arbitrary: fc.constant({ replay: true as const }) },
        { weight: 1, arbitrary: fc.constant({ loseDisk: true as const }) },
        ...more,
      ),
      { minLength: 10, maxLength: 10 },
    ),
  })

export const schedules = schedulesOf([])
export const releasing = schedulesOf([{ weight: 3, arbitrary: fc.constant({ release: true as const }) }])

/** In the order in which they are sent: none is more than `mostBehindMs` behind the latest before it. */
export function shuffled({ clicks: drawn, through }: Schedule): readonly Click[] {
  let now = 1_000_000
  return drawn
    .map(({ user, stepMs, behind, deletes }, id) => {
      now += stepMs
      // Where the order is not known, nothing is done that it matters for.
      const click = { user: `u${user}`, at: now, id, deletes: deletes && through !== 'any' }
      return { place: now + behind * mostBehindMs, click }
    })
    .sort((a, b) => a.place - b.place)
    .map(({ click }) => click)
}
