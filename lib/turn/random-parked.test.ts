import fc from 'fast-check'
import { z } from 'zod'
import { Instance } from '../../test/instances.js'
import { readAll } from '../../test/reading.js'
import { runs } from '../../test/runs.js'
import { systemClock } from '../core/clock.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { drained } from '../runtime/drain.js'
import { waitingTurns } from '../runtime/waiting-turns.js'
import { CommittedState } from '../runtime/state-reader.js'

/** Many more by hand: MILLRACE_RUNS=200 npx jest lib/turn/random-parked */
const numRuns = runs(6, 60)

const job = z.object({
  key: z.string(),
  n: z.number(),
  takesMs: z.number(),
  timerTakesMs: z.number(),
  fails: z.boolean(),
})
const jobs = topic('jobs', job)
const done = topic('done', z.object({ key: z.string(), n: z.number(), turns: z.number(), isTimer: z.boolean() }))
const halfChanged = 1_000_000

/** Each record sets a timer that is due at once; turns and timers take their time, and fail once where the job says so. */
function kind(tried: Set<string>) {
  const pass = async (state: { turns: number }, what: string, takesMs: number, fails: boolean): Promise<void> => {
    state.turns += halfChanged
    if (takesMs > 0) await systemClock.sleep(takesMs)
    state.turns -= halfChanged - 1
    if (!fails || tried.has(what)) return
    tried.add(what)
    throw new Error(`${what} fails once`)
  }
  return stateObject('worker', { state: z.object({ turns: z.number() }), init: () => ({ turns: 0 }) })
    .timers({ wake: job })
    .on(jobs, { key: ({ key }) => key, onError: { attempts: 100, backoff: 1 } }, async (state, value, turn) => {
      const { key, n, takesMs, fails } = value
      turn.timer('wake', 0, value, { id: String(n) })
      await pass(state, `${key} ${n}`, takesMs, fails)
      turn.emit(done, { key, n, turns: state.turns, isTimer: false })
    })
    .onTimer('wake', async (state, value, turn) => {
      const { key, n, timerTakesMs, fails } = value
      await pass(state, `timer ${key} ${n}`, timerTakesMs, fails)
      turn.emit(done, { key, n, turns: state.turns, isTimer: true })
    })
}

const takes = fc.constantFrom(0, 0, 1, 30, 100)
const one = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  takesMs: takes,
  timerTakesMs: takes,
  fails: fc.nat(4).map((chance) => chance === 0),
})
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ send: fc.array(one, { minLength: 1, maxLength: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ waitMs: fc.constantFrom(0, 5, 40) }) },
  {
    weight: 2,
    arbitrary: fc.record({ dieAt: fc.constantFrom(undefined, 'before-end', 'after-end', 'before-store') }),
  },
)

describe('turns of records and timers that take up to a tenth of a second', () => {
  it(
    'have their effects once, in order, whenever their process dies',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), fc.constantFrom(1, 1_000), run),
        { numRuns, endOnFailure: numRuns > 6 },
      )
    },
    numRuns * 8_000,
  )
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(steps: readonly Step[], cacheEntries: number): Promise<void> {
  const log = memoryLog({ partitions: 2 })
  await log.admin.create([jobs, done].map(({ name }) => ({ name, partitions: 2, replicationFactor: -1, configs: {} })))
  const objects = [kind(new Set())]
  const begun = async (): Promise<Instance> => {
    const next = new Instance({ log, objects, engine: { clock: systemClock, cacheEntries } })
    await next.engine.start()
    return next
  }
  const counts = new Map<string, number>()
  let instance = await begun()
  try {
    for (const each of steps) {
      if ('send' in each) {
        const fresh = each.send.map((value) => {
          const n = counts.get(value.key) ?? 0
          counts.set(value.key, n + 1)
          return { ...value, n }
        })
        await log.send(jobs, fresh, { key: ({ key }) => key })
      } else if ('waitMs' in each) await systemClock.sleep(each.waitMs)
      else {
        await instance.kill(each.dieAt)
        // What it was to die at may not come any more.
        await instance.kill()
        await instance.bury()
        instance = await begun()
      }
    }
    await settled(instance)
    const found = (await readAll(log, done)).flatMap(({ value }) => (value === null ? [] : [value]))
    for (const [key, count] of counts) {
      const of = found.filter((value) => value.key === key)
      const all = Array.from({ length: count }, (_, n) => n)
      expect(of.flatMap(({ isTimer, n }) => (isTimer ? [] : [n]))).toEqual(all)
      expect(of.flatMap(({ isTimer, n }) => (isTimer ? [n] : [])).sort((a, b) => a - b)).toEqual(all)
      expect(of.map(({ turns }) => turns)).toEqual(of.map((_, at) => at + 1))
    }
    const state: Record<string, unknown> = {}
    for await (const [key, value] of new CommittedState(instance.engine, objects[0]!).entries()) state[key] = value
    expect(state).toEqual(Object.fromEntries([...counts].map(([key, count]) => [key, { turns: 2 * count }])))
  } finally {
    await instance.engine.stop(1_000)
  }
}

/** Also what is tried again, and the timers behind that. */
async function settled({ engine }: Instance): Promise<void> {
  const end = Date.now() + 15_000
  for (let quiet = 0; quiet < 2 && Date.now() < end;) {
    await drained(engine)
    quiet = (await waitingTurns(engine)) === 0 ? quiet + 1 : 0
    await systemClock.sleep(5)
  }
}
