import fc from 'fast-check'
import type { EngineOptions } from '../../lib/runtime/setup/engine-options.js'
import { crashSteps, type CrashStep } from '../../lib/testing/life.js'
import type { Item, World } from './program.js'
import type { Replay } from './replaying.js'

/** How long turns take: none, a moment, or longer than a commit waits for them. */
const takes = fc.constantFrom(undefined, undefined, 0, 15, 30)
const fails = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
)

const key = fc.constantFrom('k', 'l', 'm', 'o')

const drawnItem = fc.record({
  key,
  takes,
  fails,
  timer: fc.option(
    fc.record({
      id: fc.constantFrom(undefined, 'a', 'b'),
      inMs: fc.constantFrom(undefined, 0, 0, 20, 500, 8_000),
      takes,
      fails,
    }),
    { nil: undefined },
  ),
  deletes: fc.nat(11).map((chance) => chance === 0),
}) satisfies fc.Arbitrary<Omit<Item, 'n'>>

const drawnBatch = fc.record({
  lane: fc.constantFrom('p', 'q', 'r'),
  stepMs: fc.nat(900),
  behindMs: fc.constantFrom(0, 0, 0, 500, 2_500),
  items: fc.array(drawnItem, { minLength: 1, maxLength: 3 }),
})

export type DrawnBatch = typeof drawnBatch extends fc.Arbitrary<infer T> ? T : never

export type Step =
  | { readonly send: readonly DrawnBatch[] }
  | { readonly waitMs: number }
  | { readonly jumpMs: number }
  | { readonly start: true }
  | { readonly stop: number }
  | { readonly kill: number; readonly at: CrashStep | undefined; readonly isNoticed: boolean }
  | { readonly expel: number; readonly lagMs: number }
  | { readonly loseDisk: true }
  | { readonly replay: Replay }
  | { readonly release: true }

const replay: fc.Arbitrary<Replay> = fc.oneof(
  fc.constant({ how: 'all' as const }),
  fc.record({ how: fc.constantFrom('only' as const, 'drop' as const), key }),
  fc.constant({ how: 'edit' as const }),
)

const step = (releases: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ send: fc.array(drawnBatch, { minLength: 1, maxLength: 4 }) }) },
    { weight: 5, arbitrary: fc.record({ waitMs: fc.constantFrom(0, 1, 5, 25) }) },
    { weight: 3, arbitrary: fc.record({ jumpMs: fc.constantFrom(1, 400, 7_000, 40_000, 2 * 3_600_000) }) },
    { weight: 2, arbitrary: fc.constant({ start: true as const }) },
    { weight: 1, arbitrary: fc.record({ stop: fc.nat(2) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kill: fc.nat(2),
        at: fc.constantFrom(undefined, ...crashSteps),
        isNoticed: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ expel: fc.nat(2), lagMs: fc.constantFrom(0, 5) }) },
    { weight: 1, arbitrary: fc.constant({ loseDisk: true as const }) },
    { weight: 2, arbitrary: fc.record({ replay }) },
    { weight: releases ? 4 : 0, arbitrary: fc.constant({ release: true as const }) },
  )

export interface Schedule extends Pick<World, 'route' | 'pauses' | 'closing' | 'quarantine'> {
  readonly partitions: number
  /** Of each process. */
  readonly engine: Pick<EngineOptions, 'cacheEntries' | 'standbyReplicas' | 'commitIntervalMs' | 'commitLingerMs'>
  /** The last records come before all is repaired. */
  readonly isOverEarly: boolean
  readonly expiresAtEnd: boolean
  readonly steps: readonly Step[]
}

const schedulesOf = (releases: boolean): fc.Arbitrary<Schedule> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 3 }),
    engine: fc.record({
      cacheEntries: fc.constantFrom(1, 8, 1_000),
      standbyReplicas: fc.constantFrom(0, 0, 1),
      commitIntervalMs: fc.constantFrom(10, 40),
      commitLingerMs: fc.constantFrom(0, 10),
    }),
    route: fc.constantFrom('auto', 'shuffle'),
    pauses: fc.boolean(),
    quarantine: releases ? fc.constantFrom(undefined, undefined, 5_000) : fc.constant(undefined),
    closing: fc.array(fc.record({ takes, fails }), { minLength: 3, maxLength: 7 }),
    isOverEarly: fc.boolean(),
    expiresAtEnd: fc.boolean(),
    steps: fc.array(step(releases), { minLength: 5, maxLength: 30, size: 'max' }),
  })

export const schedules = schedulesOf(false)
export const releasing = schedulesOf(true)
