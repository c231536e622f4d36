import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number() }))

function program(bad: ReadonlySet<number>, attempts: number) {
  return stateObject('order', { state: z.object({ seen: z.number() }), init: () => ({ seen: 0 }) }).on(
    orders,
    { key: ({ id }) => id, onError: { attempts, backoff: '1m' } },
    (state, { id, n }, turn) => {
      if (bad.has(n)) throw new Error(`cannot do ${n}`)
      state.seen++
      turn.emit(done, { id, n })
    },
  )
}

const numbers = (driver: TestDriver): number[] => driver.output(done).map(({ value }) => value!.n)
const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const send = (driver: TestDriver, ...values: number[]): Promise<void> =>
  driver.sendAll(
    orders,
    values.map((n) => ({ id: 'a', n })),
    { key: () => 'one source partition' },
  )

describe('an object of which more waits than may', () => {
  it.each([
    [1_200, 10],
    [3, 1_010],
  ])('keeps the order while its letters are replayed: %i, and %i more', async (letters, more) => {
    const bad = new Set([1])
    await using driver = testDriver({ objects: [program(bad, 2)], failures: 'expect' })
    await send(driver, ...upTo(1, letters))
    await driver.advance('2m')
    // The first letter waits for its next attempt, the others behind it, and all that comes behind those.
    await driver.replayDeadLetters()
    await send(driver, ...upTo(letters + 1, letters + more))
    await driver.crash()
    bad.clear()
    await driver.advance('2m')
    for (let replayed = 1; replayed > 0;) {
      replayed = (await driver.replayDeadLetters()).replayed
      await driver.advance('2m')
    }
    expect(numbers(driver)).toEqual(upTo(1, letters + more))
    expect(await driver.quarantined()).toEqual([])
  })
})
