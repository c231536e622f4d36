import fc from 'fast-check'
import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { crashSteps } from '../../testing/life.js'
import { testDriver } from '../../testing/driver.js'
import { runs } from '../../../test/runs.js'

const order = z.object({ id: z.string(), n: z.number() })
const orders = topic('orders', order)
const payments = topic('payments', order)
const done = topic('done', order)

const shape = fc.record({
  partitions: fc.constantFrom(1, 3),
  isAsync: fc.boolean(),
  route: fc.constantFrom('auto' as const, 'shuffle' as const),
  after: fc.constantFrom(1, 2, 4),
  // Read by something else too, or objects of several inputs: then turns wait in rows instead of their topic.
  isShared: fc.boolean(),
  hasOtherInput: fc.boolean(),
})

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), keys: fc.array(key, { maxLength: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pay' as const), key }) },
  // Down for some keys, as with a service of several parts; for none it is up.
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fail' as const), keys: fc.uniqueArray(key) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.constantFrom(...crashSteps, undefined) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
)

describe('an input that pauses', () => {
  it('gives each record its turn once, in the order of its object, whatever fails, waits and dies', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 25 }), async (how, steps) => {
        let down: ReadonlySet<string> = new Set()
        const onError = { for: '30d' } as const
        const basis = stateObject('order', {
          state: z.object({ seen: z.array(z.number()), paid: z.number() }),
          init: () => ({ seen: [], paid: 0 }),
        }).on(
          orders,
          { key: ({ id }) => id, route: how.route, onError, breaker: { after: how.after } },
          (state, { id, n }, turn) => {
            const act = (): void => {
              state.seen.push(n)
              turn.emit(done, { id, n })
              if (down.has(id)) throw new Error('down')
            }
            return how.isAsync ? Promise.resolve().then(act) : act()
          },
        )
        const kind = how.hasOtherInput
          ? basis.on(
              payments,
              ({ id }) => id,
              (state) => void state.paid++,
            )
          : basis
        const count = stateObject('count', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
          how.isShared ? orders.merge(payments) : payments,
          () => 'all',
          (state) => void state.n++,
        )
        const { partitions } = how
        await using driver = testDriver({ objects: [kind, count], partitions, failures: 'expect' })
        const sent = new Map<string, number[]>()
        const paid = new Map<string, number>()
        let n = 0
        for (const each of steps) {
          if (each.do === 'send') {
            const values = each.keys.map((id) => ({ id, n: n++ }))
            for (const value of values) sent.set(value.id, [...(sent.get(value.id) ?? []), value.n])
            await driver.sendAll(orders, values, { key: ({ id }) => id })
          } else if (each.do === 'pay') {
            paid.set(each.key, (paid.get(each.key) ?? 0) + 1)
            await driver.send(payments, { id: each.key, n: 0 }, { key: each.key })
          } else if (each.do === 'fail') down = new Set(each.keys)
          else if (each.do === 'wait') await driver.advance(each.ms)
          else if (each.do === 'die') await driver.crash(each.at)
          else driver.loseDisk()
        }
        down = new Set()
        await driver.advance('2m')
        const found = new Map<string, number[]>()
        for (const { value } of driver.output(done)) found.set(value!.id, [...(found.get(value!.id) ?? []), value!.n])
        expect(found).toEqual(sent)
        for (const [id, seen] of sent) {
          const payments = how.hasOtherInput ? (paid.get(id) ?? 0) : 0
          expect(driver.state(kind, id)).toEqual({ seen, paid: payments })
        }
        const orderCount = how.isShared ? n : 0
        const all = [...paid.values()].reduce((sum, one) => sum + one, orderCount)
        expect(driver.state(count, 'all')?.n ?? 0).toBe(all)
        expect(driver.stats().paused).toBe(0)
        expect(driver.deadLetters()).toEqual([])
      }),
      { numRuns: runs(25, 100) },
    )
  }, 300_000)
})
