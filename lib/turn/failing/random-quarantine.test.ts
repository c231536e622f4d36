import fc from 'fast-check'
import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { crashSteps } from '../../testing/life.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'
import { runs } from '../../../test/runs.js'

const order = z.object({ id: z.string(), n: z.number() })
const orders = topic('orders', order)
const done = topic('done', order)

const shape = fc.record({
  partitions: fc.constantFrom(1, 3),
  isAsync: fc.boolean(),
  route: fc.constantFrom('auto' as const, 'shuffle' as const),
  attempts: fc.constantFrom(1, 2),
  // Where nothing is lifted but by replay, order is kept.
  lifts: fc.constantFrom('by replay' as const, 'by hand' as const, 'by itself' as const),
})

const key = fc.constantFrom('a', 'b', 'c')
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), keys: fc.array(key, { maxLength: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fail' as const), keys: fc.uniqueArray(key) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.constantFrom(...crashSteps, undefined) }),
  },
)

/** Until nothing fails any more. */
async function replayAll(driver: TestDriver): Promise<void> {
  for (let left = 20; left > 0; left--) {
    const { replayed } = await driver.replayDeadLetters()
    await driver.advance('1m')
    if (replayed === 0) return
  }
}

describe('quarantine', () => {
  it('loses no record and runs none twice, however it is lifted, and what is counted is what is listed', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 25 }), async (how, steps) => {
        let bad: ReadonlySet<string> = new Set()
        const lasting = how.lifts === 'by itself' ? ({ quarantine: '10s' } as const) : {}
        const onError = { attempts: how.attempts, ...lasting }
        const kind = stateObject('order', {
          state: z.object({ seen: z.array(z.number()) }),
          init: () => ({ seen: [] }),
        }).on(orders, { key: ({ id }) => id, route: how.route, onError }, (state, { id, n }, turn) => {
          const act = (): void => {
            state.seen.push(n)
            turn.emit(done, { id, n })
            if (bad.has(id)) throw new Error('bad')
          }
          return how.isAsync ? Promise.resolve().then(act) : act()
        })
        await using driver = testDriver({ objects: [kind], partitions: how.partitions, failures: 'expect' })
        const sent = new Map<string, number[]>()
        let n = 0
        for (const each of steps) {
          if (each.do === 'send') {
            const values = each.keys.map((id) => ({ id, n: n++ }))
            for (const value of values) sent.set(value.id, [...(sent.get(value.id) ?? []), value.n])
            await driver.sendAll(orders, values, { key: ({ id }) => id })
          } else if (each.do === 'fail') bad = new Set(each.keys)
          else if (each.do === 'wait') await driver.advance(each.ms)
          else if (each.do === 'replay') await driver.replayDeadLetters()
          else if (each.do === 'die') await driver.crash(each.at)
          else if (how.lifts === 'by hand') await driver.release(kind, each.key)
          const listed = await driver.quarantined()
          expect(driver.stats().quarantined).toBe(listed.length)
          for (const { letters } of listed) expect(letters).toBeGreaterThan(0)
        }
        bad = new Set()
        await replayAll(driver)
        expect(await driver.quarantined()).toEqual([])
        const inOrder = how.lifts === 'by replay'
        const found = new Map<string, number[]>()
        for (const { value } of driver.output(done)) found.set(value!.id, [...(found.get(value!.id) ?? []), value!.n])
        if (!inOrder) for (const numbers of found.values()) numbers.sort((one, other) => one - other)
        expect(found).toEqual(sent)
        for (const [id, numbers] of sent) {
          const { seen = [] } = driver.state(kind, id) ?? {}
          expect(inOrder ? seen : [...seen].sort((one, other) => one - other)).toEqual(numbers)
        }
      }),
      { numRuns: runs(25, 100) },
    )
  }, 300_000)
})
