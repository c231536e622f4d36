import fc from 'fast-check'
import { commands, done, Fold, program, start, windowMs, type Act, type Command } from '../../test/timer-fold.js'
import { runs } from '../../test/runs.js'
import { testDriver, type TestDriver } from '../testing/driver.js'

/** Many more by hand: MILLRACE_RUNS=500 npx jest lib/turn/random-timers */
const numRuns = runs(12, 60)

const fails = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }) },
  fc.constant(-1),
)
const act: fc.Arbitrary<Act> = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('set' as const) },
    { weight: 2, arbitrary: fc.constant('cancel' as const) },
    { weight: 1, arbitrary: fc.constant('delete' as const) },
  ),
  id: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  inMs: fc.constantFrom(0, 10, 500, 1_500, 4_000),
  isLong: fc.boolean(),
  fails,
  waits: fc.boolean(),
})
const command = fc.record({
  key: fc.constantFrom('k', 'l', 'm'),
  atMs: fc.nat(2 * windowMs - 1),
  acts: fc.array(act, { maxLength: 3 }),
  fails,
  waits: fc.boolean(),
})
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ send: fc.array(command, { minLength: 1, maxLength: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ advance: fc.constantFrom(1, 400, 1_100, 5_000, 600_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ crash: fc.constantFrom(undefined, 'turn', 'before-end', 'after-end', 'before-store') }),
  },
  { weight: 1, arbitrary: fc.constant({ disk: true }) },
  { weight: 1, arbitrary: fc.constant({ replay: true }) },
  { weight: 1, arbitrary: fc.constant({ release: true }) },
)
const all = { failures: 'expect' } as const

/** Half a day, in which whatever is to be tried again becomes a dead letter or succeeds. */
async function rest(driver: TestDriver): Promise<void> {
  for (let hour = 0; hour < 12; hour++) await driver.advance('1h')
}

describe('timers, whatever fails, waits, hops and dies', () => {
  it.each(['auto', 'shuffle'] as const)(
    'fire once, as their object stands then: %s',
    async (route) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
          const world = { broken: true, route }
          const sent: Command[] = []
          const fold = new Fold(sent)
          const kinds = program(world)
          let now = start
          let taken = 0
          await using driver = testDriver({ objects: kinds, partitions: 3, now: start, ...all })
          const look = (): void => {
            const found = driver.output(done)
            for (const { value } of found.slice(taken)) fold.take(value as NonNullable<typeof value>, now)
            taken = found.length
          }
          for (const each of steps) {
            if ('send' in each) {
              const fresh = each.send.map(({ atMs, ...more }, i) => ({ ...more, n: sent.length + i, at: start + atMs }))
              sent.push(...fresh)
              // Not where their objects are.
              await driver.sendAll(commands, fresh, { key: ({ key }) => `lane of ${key}` })
            } else if ('advance' in each) {
              now += each.advance
              await driver.advance(each.advance)
            } else if ('crash' in each) await driver.crash(each.crash)
            else if ('replay' in each) await driver.replayDeadLetters()
            else if ('release' in each) {
              for (const { kind, key } of await driver.quarantined()) {
                fold.isLifted = true
                await driver.release(kind, key, all)
              }
            } else {
              driver.loseDisk()
              await driver.crash()
            }
            look()
          }
          world.broken = false
          do {
            now += 12 * 3_600_000
            await rest(driver)
            look()
          } while ((await driver.replayDeadLetters()).replayed > 0)
          look()
          expect(fold.end()).toEqual([])
          const kept = kinds.flatMap((kind) =>
            [...fold.objects]
              .filter(([object]) => object.startsWith(`${kind.name} `))
              .map(([object, { place }]) => ({
                object,
                place,
                state: driver.state(kind, object.slice(kind.name.length + 1)) as unknown,
              })),
          )
          expect(kept.filter(({ place, state }) => JSON.stringify(state) !== JSON.stringify({ turns: place }))).toEqual(
            [],
          )
        }),
        { numRuns, endOnFailure: numRuns > 12 },
      )
    },
    numRuns * 5_000,
  )
})
