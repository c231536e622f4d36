import fc from 'fast-check'
import { faultyLog, type Fault, type Step } from '../../../test/faulty-log.js'
import { Instance } from '../../../test/instances.js'
import { runs } from '../../../test/runs.js'
import { app, flows, Sent, stateOf, words } from '../../../test/word-app.js'
import { systemClock } from '../../core/clock.js'
import { MillraceError, type ErrorCode } from '../../core/errors.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { drained } from '../drain.js'

const recoverable = ['GENERATION_STALE', 'MEMBER_UNKNOWN', 'COMMIT_ABORTED', 'FENCED', 'OUTCOME_UNKNOWN'] as const
const steps: readonly Step[] = ['begin', 'append', 'offsets', 'commit']

const fault = (code: ErrorCode, done: boolean): Fault => ({ error: new MillraceError(code, `${code}, made up`), done })
/** Only of an unknown outcome can it be that the transaction was committed. */
const faults = fc.record({
  step: fc.constantFrom(...steps),
  code: fc.constantFrom(...recoverable),
  done: fc.boolean(),
  /** How many such calls go well before. */
  after: fc.nat(3),
})
const word = fc.record({
  word: fc.constantFrom('a', 'b', 'c', 'd'),
  lane: fc.constantFrom('p', 'q', 'r'),
  drop: fc.constant(false),
})

type Plan = readonly { readonly step: Step; readonly code: ErrorCode; readonly done: boolean; readonly after: number }[]

/**
 * How many calls of `offsets` are followed by another of the same commit: refused as of an older generation they are sent
 * again under the next one, which leaves the tasks here. Refused again at once they are not.
 */
function resentIn(plan: Plan): number {
  const isStale = (at: number): boolean => plan[at]?.step === 'offsets' && plan[at].code === 'GENERATION_STALE'
  let resent = 0
  for (let at = 0; at < plan.length; at++) {
    if (!isStale(at)) continue
    resent++
    if (plan[at + 1]?.after === 0 && isStale(at + 1)) at++
  }
  return resent
}

/** Fails the planned calls, one after the other. */
function planned(plan: Plan): {
  next: (step: Step) => Fault | undefined
  injected: () => number
} {
  const queue = [...plan]
  let passed = 0
  return {
    injected: () => plan.length - queue.length,
    next(step) {
      const [first] = queue
      if (first?.step !== step || passed++ < first.after) return undefined
      passed = 0
      queue.shift()
      return fault(first.code, first.done && (step !== 'commit' || first.code === 'OUTCOME_UNKNOWN'))
    },
  }
}

function start(
  log: MemoryLog,
  next: (step: Step) => Fault | 'silence' | undefined,
  options: Partial<ConstructorParameters<typeof Instance>[0]> = {},
): Instance {
  return new Instance({ app, log, objects: [words], flows, wrap: (port) => faultyLog(port, next), ...options })
}

describe('a commit that fails', () => {
  it('is made again, whatever step failed with whatever code that allows it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(faults, { minLength: 1, maxLength: 5 }),
        fc.array(fc.array(word, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }),
        async (plan, sends) => {
          const log = memoryLog({ partitions: 3 })
          const sent = new Sent(log)
          const { next, injected } = planned(plan)
          await sent.send(sends[0] ?? [])
          const instance = start(log, next)
          await instance.engine.start()
          for (const values of sends) {
            await sent.send(values)
            await drained(instance.engine)
          }
          // What was committed without our knowledge is read back.
          while (!instance.engine.health.ready) await new Promise(setImmediate)
          expect(await sent.faults(await stateOf([instance.engine]))).toEqual([])
          const failing = injected() - resentIn(plan.slice(0, injected()))
          const failedCommits = instance.engine.stats.rollbacks
          expect(failedCommits > 0).toBe(failing > 0)
          expect(failedCommits).toBeLessThanOrEqual(failing)
          await instance.engine.stop(1_000)
          await log[Symbol.asyncDispose]()
        },
      ),
      // A run takes a fiftieth of a second; one that never ends says its plan.
      { numRuns: runs(60, 1_000), timeout: 30_000 },
    )
  }, 600_000)

  it('is made again when its offsets are refused under the next generation too, which waits for it', async () => {
    const log = memoryLog({ partitions: 3 })
    const sent = new Sent(log)
    const stale = { step: 'offsets', code: 'GENERATION_STALE', done: false } as const
    const { next, injected } = planned([1, 0, 0, 0].map((after) => ({ ...stale, after })))
    const { engine } = start(log, next)
    await engine.start()
    for (let i = 0; i < 3; i++) {
      await sent.send(['a', 'b'].map((each) => ({ word: each, lane: 'q', drop: false })))
      await drained(engine)
    }
    expect(injected()).toBe(4)
    expect(engine.stats.rollbacks).toBe(2)
    expect(await sent.faults(await stateOf([engine]))).toEqual([])
    await engine.stop(1_000)
    await log[Symbol.asyncDispose]()
  })

  it.each(
    steps.flatMap((step) =>
      [step, step].map((at, i) => [at, i === 0 ? 'RECORD_TOO_LARGE' : 'BROKER_REFUSED'] as const),
    ),
  )('stops the app when %s fails with %s; another start goes on exactly', async (step, code) => {
    const log = memoryLog({ partitions: 3 })
    const sent = new Sent(log)
    await sent.send([{ word: 'a', lane: 'p', drop: false }])
    let broken = false
    const first = start(log, (at) => (broken && at === step ? fault(code, false) : undefined))
    await first.engine.start()
    await drained(first.engine)
    const before = await stateOf([first.engine])

    broken = true
    const waiting = drained(first.engine)
    await sent.send(['a', 'b', 'c', 'a'].map((each) => ({ word: each, lane: 'q', drop: false })))
    await expect(waiting.then(() => drained(first.engine))).rejects.toMatchObject({ code })
    await first.engine.stop(1_000)
    expect(first.failure).toMatchObject({ error: { code } })

    const second = start(log, () => undefined, { folder: first.folder })
    await second.engine.start()
    await drained(second.engine)
    expect([...before]).toEqual([['a', { count: 1 }]])
    expect(await sent.faults(await stateOf([second.engine]))).toEqual([])
    await second.engine.stop(1_000)
    await log[Symbol.asyncDispose]()
  })

  it('shows nothing of what a failing app had begun', async () => {
    const log = memoryLog({ partitions: 2 })
    const sent = new Sent(log)
    const { engine } = start(log, (step) => (step === 'offsets' ? fault('BROKER_REFUSED', false) : undefined))
    await engine.start()
    await sent.send([{ word: 'a', lane: 'p', drop: false }])
    await expect(drained(engine)).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
    await engine.stop(1_000)
    for (const name of await log.admin.list('')) {
      if (name === 'inputs') continue
      for await (const { key } of log.read({ name, codec: words.definition.codec }))
        throw new Error(`${name} shows ${key}`)
    }
    await log[Symbol.asyncDispose]()
  })

  it('keeps close waiting no longer than its time-out when it never answers', async () => {
    const log = memoryLog({ partitions: 2 })
    const sent = new Sent(log)
    const first = start(log, (step) => (step === 'commit' ? 'silence' : undefined))
    await first.engine.start()
    await sent.send([{ word: 'a', lane: 'p', drop: false }])
    while (first.engine.stats.turns + first.engine.stats.hops === 0) await new Promise(setImmediate)
    await sent.send([{ word: 'b', lane: 'p', drop: false }])
    await first.engine.stop(50)
    expect(first.engine.stats.commits).toBe(0)

    const second = start(log, () => undefined, { folder: first.folder })
    await second.engine.start()
    await drained(second.engine)
    expect(await sent.faults(await stateOf([second.engine]))).toEqual([])
    await second.engine.stop(1_000)
    await log[Symbol.asyncDispose]()
  })

  it('is made again after a day without a commit, when the changelog may have lost deletions', async () => {
    let now = Date.now()
    const clock = { ...systemClock, now: () => now }
    const log = memoryLog({ partitions: 2, clock })
    const { next } = planned([{ step: 'commit', code: 'COMMIT_ABORTED', done: false, after: 1 }])
    const instance = start(log, next, { engine: { clock } })
    const sent = new Sent(log)
    await sent.send([{ word: 'a', lane: 'p', drop: false }])
    await instance.engine.start()
    await drained(instance.engine)
    now += 25 * 3_600_000
    await sent.send([{ word: 'a', lane: 'p', drop: false }])
    await drained(instance.engine)
    expect(instance.engine.stats.rollbacks).toBe(1)
    expect(await sent.faults(await stateOf([instance.engine]))).toEqual([])
    await instance.engine.stop(1_000)
  })
})
