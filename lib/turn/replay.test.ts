import { z } from 'zod'
import { text } from '../codec/codec.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver, type TestDriver } from '../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number() }))
const dlq = topic('test-dlq', z.object({ id: z.string(), n: z.number() }))

function program(bad: Set<number>) {
  return stateObject('order', { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] }) }).on(
    // A step makes another value of it, so that the letter has to carry it.
    orders.map(({ id, n }) => ({ id, n, twice: 2 * n })),
    { key: ({ id }) => id, onError: { attempts: 1 } },
    (state, { id, n, twice }, turn) => {
      if (twice !== 2 * n) throw new Error('changed on the way')
      state.seen.push(n)
      turn.emit(done, { id, n })
      if (bad.has(n)) throw new Error(`cannot do ${n}`)
    },
  )
}

const seen = (driver: TestDriver, id: string): readonly number[] =>
  driver.output(done).flatMap(({ value }) => (value?.id === id ? [value.n] : []))
const letters = (driver: TestDriver): number[] => driver.output(dlq).map(({ value }) => value!.n)
const send = async (driver: TestDriver, id: string, ...numbers: number[]): Promise<void> => {
  for (const n of numbers) await driver.send(orders, { id, n }, { key: 'one source partition' })
}

describe('a replay', () => {
  it('returns dead letters to their objects, in order, and lifts the quarantine', async () => {
    const bad = new Set([2])
    await using driver = testDriver({ failures: 'expect', objects: [program(bad)] })
    await send(driver, 'a', 1, 2, 3)
    await send(driver, 'b', 2, 7)
    expect(letters(driver).sort()).toEqual([2, 2, 3, 7])
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 4, objects: 2, left: [] })
    expect(seen(driver, 'a')).toEqual([1, 2, 3])
    expect(seen(driver, 'b')).toEqual([2, 7])
    await send(driver, 'a', 4)
    expect(seen(driver, 'a')).toEqual([1, 2, 3, 4])
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 0, objects: 0, left: [] })
  })

  it('of letters that fail again keeps the object, and the order, in quarantine', async () => {
    const bad = new Set([2, 3])
    await using driver = testDriver({ failures: 'expect', objects: [program(bad)] })
    await send(driver, 'a', 1, 2, 3, 4)
    bad.delete(2)
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 3 })
    expect(seen(driver, 'a')).toEqual([1, 2])
    await send(driver, 'a', 5)
    expect(letters(driver)).toEqual([2, 3, 4, 3, 5])
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 3 })
    expect(seen(driver, 'a')).toEqual([1, 2, 3, 4, 5])
    await send(driver, 'a', 6)
    expect(seen(driver, 'a')).toEqual([1, 2, 3, 4, 5, 6])
  })

  it.each(['turn', 'before-end', 'after-end', 'before-store'] as const)(
    'is done once through a crash at %s',
    async (step) => {
      const bad = new Set([1])
      await using driver = testDriver({ failures: 'expect', objects: [program(bad)] })
      await send(driver, 'a', 1, 2, 3)
      bad.clear()
      await driver.crash(step)
      await driver.replayDeadLetters()
      await send(driver, 'a', 4)
      expect(seen(driver, 'a')).toEqual([1, 2, 3, 4])
      expect(driver.crashes).toBe(1)
    },
  )

  it('leaves letters that have no object to go back to', async () => {
    await using driver = testDriver({ failures: 'expect', objects: [program(new Set())] })
    await driver.send(topic('orders', text()), '{"id":"a"}')
    expect(
      driver.output({ ...dlq, codec: { format: 'any', encode: () => '', decode: () => null } } as never),
    ).toHaveLength(1)
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 0, objects: 0, leftInAll: 1 })
  })
})
