import { z } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { crashSteps } from '../../testing/life.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number() }))
const dlq = topic('test-dlq', z.object({ id: z.string(), n: z.number() }))

interface Shape {
  readonly quarantine?: '10m'
  readonly isAsync?: boolean
  readonly route?: 'auto' | 'shuffle'
}

function program(bad: ReadonlySet<number>, { quarantine, isAsync = false, route = 'auto' }: Shape = {}) {
  const onError = { attempts: 1, ...(quarantine === undefined ? {} : { quarantine }) }
  return stateObject('order', { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] }) }).on(
    orders,
    { key: ({ id }) => id, onError, route },
    (state, { id, n }, turn) => {
      const act = (): void => {
        if (bad.has(n)) throw new Error(`cannot do ${n}`)
        state.seen.push(n)
        turn.emit(done, { id, n })
      }
      return isAsync ? Promise.resolve().then(act) : act()
    },
  )
}

const start = Date.UTC(2026, 0, 1)
const numbers = (driver: TestDriver, id = 'a'): number[] =>
  driver.output(done).flatMap(({ value }) => (value?.id === id ? [value.n] : []))
const letters = (driver: TestDriver): number[] => driver.output(dlq).map(({ value }) => value!.n)
const send = async (driver: TestDriver, id: string, ...values: number[]): Promise<void> => {
  for (const n of values) await driver.send(orders, { id, n }, { key: 'one source partition' })
}
const counts = (driver: TestDriver): number => driver.stats().quarantined

const shapes: readonly (readonly [string, Shape])[] = [
  ['in place', {}],
  ['asynchronous', { isAsync: true }],
  ['after a hop', { route: 'shuffle' }],
]

describe.each(shapes)('quarantine (%s)', (_what, shape) => {
  const driverOf = (bad: ReadonlySet<number>, more: Shape = {}): TestDriver =>
    testDriver({ objects: [program(bad, { ...shape, ...more })], failures: 'expect', now: start })

  it('is seen: which objects, since when, why, and how many letters', async () => {
    await using driver = driverOf(new Set([2, 7]))
    expect(await driver.quarantined()).toEqual([])
    await send(driver, 'a', 1, 2, 3, 4)
    await driver.advance('1m')
    await send(driver, 'b', 7)
    await send(driver, 'c', 8)
    const expected = [
      { kind: 'order', key: 'a', since: start, code: 'HANDLER_FAILED', letters: 3 },
      { kind: 'order', key: 'b', since: start + 60_000, code: 'HANDLER_FAILED', letters: 1 },
    ]
    const found = async (): Promise<unknown> =>
      [...(await driver.quarantined())].sort((one, other) => (one.key < other.key ? -1 : 1))
    expect(await found()).toEqual(expected)
    expect(counts(driver)).toBe(2)
    driver.loseDisk()
    await driver.crash()
    expect(await found()).toEqual(expected)
    expect(counts(driver)).toBe(2)
  })

  it('ends when its letters have been replayed', async () => {
    const bad = new Set([2])
    await using driver = driverOf(bad)
    await send(driver, 'a', 2, 3)
    bad.clear()
    await driver.replayDeadLetters()
    expect(await driver.quarantined()).toEqual([])
    expect(counts(driver)).toBe(0)
  })

  it('is lifted by hand: records have their turns again, letters stay where they are', async () => {
    const bad = new Set([2])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2, 3)
    expect(await driver.release('order', 'a')).toBe(true)
    expect(await driver.quarantined()).toEqual([])
    expect(counts(driver)).toBe(0)
    await send(driver, 'a', 4)
    expect(numbers(driver)).toEqual([1, 4])
    expect(letters(driver)).toEqual([2, 3])
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2 })
    expect(numbers(driver)).toEqual([1, 4, 2, 3])
    await send(driver, 'a', 5)
    expect(numbers(driver)).toEqual([1, 4, 2, 3, 5])
    expect(await driver.release('order', 'a')).toBe(false)
  })

  it('that begins after one was lifted is another one, and the letters of both return in order', async () => {
    const bad = new Set([2, 5])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2, 3)
    await driver.release('order', 'a')
    await driver.advance('1m')
    await send(driver, 'a', 4, 5, 6)
    expect(await driver.quarantined()).toEqual([
      { kind: 'order', key: 'a', since: start + 60_000, code: 'HANDLER_FAILED', letters: 2 },
    ])
    expect(numbers(driver)).toEqual([1, 4])
    expect(letters(driver)).toEqual([2, 3, 5, 6])
    bad.clear()
    await driver.crash('after-end')
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 4 })
    expect(numbers(driver)).toEqual([1, 4, 2, 3, 5, 6])
    expect(await driver.quarantined()).toEqual([])
    await send(driver, 'a', 7)
    expect(numbers(driver)).toEqual([1, 4, 2, 3, 5, 6, 7])
  })

  it('that was lifted comes back when its letters are replayed and fail again, those behind them in order', async () => {
    const bad = new Set([2])
    await using driver = driverOf(bad)
    await send(driver, 'a', 2, 3)
    await driver.release('order', 'a')
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([])
    expect(letters(driver)).toEqual([2, 3, 2])
    expect(await driver.quarantined()).toMatchObject([{ key: 'a', letters: 2 }])
    bad.clear()
    await send(driver, 'a', 4)
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([2, 3, 4])
    expect(await driver.quarantined()).toEqual([])
  })

  it.each(crashSteps)(
    'is lifted once and for all when the promise has resolved, through a death at %s',
    async (step) => {
      const bad = new Set([2])
      await using driver = driverOf(bad)
      await send(driver, 'a', 1, 2, 3)
      await driver.crash(step)
      expect(typeof (await driver.release('order', 'a'))).toBe('boolean')
      driver.loseDisk()
      await driver.crash()
      expect(await driver.quarantined()).toEqual([])
      expect(counts(driver)).toBe(0)
      await send(driver, 'a', 4)
      expect(numbers(driver)).toEqual([1, 4])
    },
  )

  it('ends by itself after the time that is said, also when there is a death in between', async () => {
    const bad = new Set([2, 6])
    await using driver = driverOf(bad, { quarantine: '10m' })
    await send(driver, 'a', 1, 2)
    await driver.advance('5m')
    await send(driver, 'a', 3)
    driver.loseDisk()
    await driver.crash()
    await driver.advance('4m')
    await send(driver, 'a', 4)
    await driver.crash('before-end')
    await driver.advance('1m')
    await send(driver, 'a', 5)
    expect(numbers(driver)).toEqual([1, 5])
    expect(letters(driver)).toEqual([2, 3, 4])
    expect(counts(driver)).toBe(0)
    await send(driver, 'a', 6)
    expect(counts(driver)).toBe(1)
    await driver.advance('10m')
    expect(await driver.quarantined()).toEqual([])
  })
})

describe('releasing', () => {
  it('refuses kinds that there are not, and what is no key', async () => {
    await using driver = testDriver({ objects: [program(new Set())] })
    await expect(driver.release('other', 'a')).rejects.toThrow("state object 'other' is not part of this app")
    await expect(driver.release('order', 7 as never)).rejects.toThrow(/the key is a number \(7\)/)
    expect(() => driver.release(null as never, 'a')).toThrow(/the kind is null/)
    expect(await driver.release('order', '')).toBe(false)
    expect(MillraceError.is(await driver.release('', 'a').catch((error: unknown) => error))).toBe(true)
  })

  it('finds an object of one window by the key that it is listed with', async () => {
    const kind = stateObject('order', { state: z.object({}), init: () => ({}), window: tumbling('1h') }).on(
      orders,
      { key: ({ id }) => id, onError: { attempts: 1 } },
      (_state, { n }) => {
        if (n < 0) throw new Error('negative')
      },
    )
    await using driver = testDriver({ objects: [kind], failures: 'expect', now: start })
    for (const id of ['a', 'b', 'c', 'd']) await driver.send(orders, { id, n: -1 })
    const found = await driver.quarantined()
    expect(found.map(({ key }) => key.split('|')[0]).sort()).toEqual(['a', 'b', 'c', 'd'])
    for (const { kind: name, key } of found) expect(await driver.release(name, key)).toBe(true)
    expect(await driver.quarantined()).toEqual([])
  })
})
