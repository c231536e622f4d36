import fc from 'fast-check'
import { z } from 'zod'
import { appendRaw, readRaw } from '../../../test/raw-records.js'
import { runs } from '../../../test/runs.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { crashSteps } from '../../testing/life.js'
import { Driver } from '../../testing/driver.js'

const order = z.object({ id: z.string(), n: z.number() })
const orders = topic('orders', order)
const done = topic('done', order)

const shape = fc.record({
  partitions: fc.constantFrom(1, 3),
  slow: fc.constantFrom('no' as const, 'a moment' as const, 'longer than a commit waits' as const),
  route: fc.constantFrom('auto' as const, 'shuffle' as const),
  attempts: fc.constantFrom(1, 2),
})

const key = fc.constantFrom('a', 'b')
const code = fc.constantFrom('HANDLER_FAILED', 'QUARANTINED')
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('send' as const), keys: fc.array(key, { minLength: 1, maxLength: 6 }) }),
  },
  // Which of those that are sent fail: one in so many.
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fail' as const), oneIn: fc.constantFrom(1, 2, 3, Infinity) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pick' as const),
      key,
      code: fc.option(code),
      times: fc.constantFrom(1, 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), key, code }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('copy' as const),
      what: fc.constantFrom('order-inbox', 'dlq'),
      nth: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('die' as const), at: fc.constantFrom(...crashSteps, undefined) }),
  },
)

/** As a tool would that knows nothing of what is in it. Of an inbox only letters: others hop once. */
async function copyOne(driver: Driver, name: string, nth: number): Promise<void> {
  const all = await readRaw(driver.log, name)
  const { partition, ...record } = all[nth % Math.max(1, all.length)] ?? { partition: -1 }
  if (!('key' in record)) return
  const isLetter = name.endsWith('-dlq') || Buffer.from(record.headers[0]?.[1] ?? [])[0] === 2 * 4
  if (isLetter) await appendRaw(driver.log, name, partition, [record])
}

describe('replays', () => {
  it('have each record in its turn and once, whatever is picked, dropped, copied, fails again or dies', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 25, size: 'max' }), async (how, steps) => {
        let oneIn = Infinity
        const kind = stateObject('order', {
          state: z.object({ seen: z.array(z.number()) }),
          init: () => ({ seen: [] }),
        }).on(
          orders,
          { key: ({ id }) => id, route: how.route, onError: { attempts: how.attempts } },
          (state, { id, n }, turn) => {
            const act = (): void => {
              state.seen.push(n)
              turn.emit(done, { id, n })
              if (n % oneIn === 0) throw new Error('bad')
            }
            if (how.slow === 'no') return act()
            return new Promise<void>((resolve) =>
              how.slow === 'a moment' ? setImmediate(resolve) : setTimeout(resolve, 15),
            ).then(act)
          },
        )
        await using driver = new Driver({ objects: [kind], partitions: how.partitions, failures: 'expect' })
        const sent = new Map<string, number[]>()
        const mayMiss = new Set<number>()
        let n = 1
        for (const each of steps) {
          if (each.do === 'send') {
            const values = each.keys.map((id) => ({ id, n: n++ }))
            for (const value of values) sent.set(value.id, [...(sent.get(value.id) ?? []), value.n])
            await driver.sendAll(orders, values, { key: ({ id }) => id })
          } else if (each.do === 'fail') oneIn = each.oneIn
          else if (each.do === 'wait') await driver.advance(each.ms)
          else if (each.do === 'die') await driver.crash(each.at)
          else if (each.do === 'copy') await copyOne(driver, `test-${each.what}`, each.nth)
          else if (each.do === 'replay') await driver.replayDeadLetters()
          else if (each.do === 'pick') {
            const only = { key: each.key, ...(each.code === null ? {} : { code: each.code }) }
            for (let times = each.times; times > 0; times--) await driver.replayDeadLetters({ only })
          } else {
            await driver.advance('1ms')
            for (const letter of driver.deadLetters(orders))
              if (letter.object === each.key && letter.code === each.code) mayMiss.add(letter.value!.n)
            await driver.replayDeadLetters({ drop: { key: each.key, code: each.code, reason: 'a test' } })
          }
        }
        oneIn = Infinity
        for (let left = 10; left > 0; left--) {
          const { replayed } = await driver.replayDeadLetters()
          await driver.advance('1m')
          if (replayed === 0) break
        }
        expect(await driver.quarantined()).toEqual([])
        for (const [id, numbers] of sent) {
          const found = driver.output(done).flatMap(({ value }) => (value!.id === id ? [value!.n] : []))
          const had = new Set(found)
          expect(found).toEqual(numbers.filter((each) => had.has(each)))
          expect(numbers.filter((each) => !had.has(each) && !mayMiss.has(each))).toEqual([])
          expect(driver.state(kind, id)?.seen ?? []).toEqual(found)
        }
      }),
      { numRuns: runs(15, 80) },
    )
  }, 300_000)
})
