import { z } from 'zod'
import { Fatal, RetryAfter } from '../../core/advice.js'
import type { BreakerOptions, OnError } from '../../model/inputs.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { crashSteps } from '../../testing/life.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const order = z.object({ id: z.string(), n: z.number() })
const orders = topic('orders', order)
const payments = topic('payments', order)
const done = topic('done', order)
const dlq = topic('test-dlq', order)

interface World {
  /** What is thrown for an order; undefined where it goes well. */
  down: ((id: string, n: number) => unknown) | undefined
  asked: string[]
}

interface Shape {
  readonly isAsync?: boolean
  readonly route?: 'auto' | 'shuffle'
  readonly breaker?: BreakerOptions
  readonly onError?: OnError
}

const basis = { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] as number[] }) }

function program(world: World, { isAsync = false, route = 'auto', breaker = { after: 3 }, onError }: Shape = {}) {
  const input = { key: ({ id }: { id: string }) => id, route, breaker, ...(onError === undefined ? {} : { onError }) }
  return stateObject('order', basis).on(orders, input, (state, { id, n }, turn) => {
    const act = (): void => {
      world.asked.push(id)
      const error = world.down?.(id, n)
      if (error !== undefined) throw error
      state.seen.push(n)
      turn.emit(done, { id, n })
    }
    return isAsync ? Promise.resolve().then(act) : act()
  })
}

const world = (): World => ({ down: () => new Error('ECONNREFUSED'), asked: [] })
const ids = Array.from({ length: 30 }, (_, i) => `o${i}`)
const sendAll = (driver: TestDriver, n = 1): Promise<void> =>
  driver.sendAll(
    orders,
    ids.map((id) => ({ id, n })),
  )
const finished = (driver: TestDriver): string[] => driver.output(done).map(({ value }) => `${value!.id} ${value!.n}`)
const letters = (driver: TestDriver): string[] => driver.output(dlq).map(({ value }) => value!.id)
const all = (...numbers: number[]): string[] => numbers.flatMap((n) => ids.map((id) => `${id} ${n}`)).sort()

const shapes: readonly (readonly [string, Shape])[] = [
  ['in place', {}],
  ['after a hop', { route: 'shuffle' }],
]

describe.each(shapes)('a breaker (%s)', (_what, shape) => {
  const driverOf = (of: World, more: Shape = {}): TestDriver =>
    testDriver({ objects: [program(of, { ...shape, ...more })], failures: 'expect', partitions: 1 })

  it('pauses its input after so many objects, tries one turn at intervals, and goes on when it succeeds', async () => {
    const it = world()
    await using driver = driverOf(it)
    await sendAll(driver)
    expect(it.asked).toEqual(['o0', 'o1', 'o2'])
    expect(driver.stats()).toMatchObject({ paused: 1, quarantined: 0 })
    await driver.advance('10m')
    // One each five seconds; where there is no new record when it is the turn of one, five later.
    expect(it.asked.length).toBeGreaterThan(85)
    expect(it.asked.length).toBeLessThan(125)
    // Not always the same ones.
    expect(new Set(it.asked).size).toBeGreaterThan(20)
    it.down = undefined
    await driver.advance('10s')
    expect(finished(driver).sort()).toEqual(all(1))
    expect(driver.stats()).toMatchObject({ paused: 0, deadLetters: 0 })
  })

  it('costs no record an attempt, so that an outage may last as long as it likes', async () => {
    const it = world()
    await using driver = driverOf(it, { onError: { for: '20s' }, breaker: { after: 3, probe: '10s' } })
    await sendAll(driver)
    await driver.advance('2h')
    expect(letters(driver)).toEqual([])
    it.down = undefined
    await driver.advance('20s')
    expect(finished(driver).sort()).toEqual(all(1))
  })

  it.each(crashSteps)('loses nothing, and keeps order, through deaths at %s', async (step) => {
    const it = world()
    await using driver = driverOf(it)
    await sendAll(driver, 1)
    await driver.crash(step)
    await sendAll(driver, 2)
    await driver.advance('1m')
    driver.loseDisk()
    await driver.crash()
    await driver.advance('1m')
    await driver.crash(step)
    it.down = undefined
    await driver.advance('1m')
    await sendAll(driver, 3)
    expect(finished(driver).sort()).toEqual(all(1, 2, 3))
    for (const id of ids) {
      const own = finished(driver).filter((each) => each.startsWith(`${id} `))
      expect(own).toEqual([1, 2, 3].map((n) => `${id} ${n}`))
    }
    expect(letters(driver)).toEqual([])
  })

  it('is not held open by objects that always fail', async () => {
    const it = world()
    it.down = (id) => (['o0', 'o1', 'o2'].includes(id) ? new Error('poison') : undefined)
    await using driver = driverOf(it)
    await sendAll(driver)
    await driver.advance('20s')
    expect(finished(driver)).toHaveLength(ids.length - 3)
    expect(driver.stats().paused).toBe(0)
  })

  it('opens only when they fail one after the other', async () => {
    const it = world()
    it.down = (id) => (Number(id.slice(1)) % 2 === 0 ? new Error('even') : undefined)
    await using driver = driverOf(it, { onError: { attempts: 1 } })
    await sendAll(driver)
    expect(driver.stats().paused).toBe(0)
    expect(letters(driver)).toHaveLength(ids.length / 2)
  })

  it('counts objects, not attempts, and not what is fatal', async () => {
    const it = world()
    it.down = (_id, n) => (n === 0 ? new Fatal('declined') : new Error('ECONNREFUSED'))
    await using driver = driverOf(it)
    for (const id of ids) await driver.send(orders, { id, n: 0 })
    expect(letters(driver)).toEqual(ids)
    for (const id of ['x', 'y']) await driver.send(orders, { id, n: 1 })
    await driver.advance('1m')
    expect(driver.stats().paused).toBe(0)
    await driver.send(orders, { id: 'z', n: 1 })
    expect(driver.stats().paused).toBe(1)
  })

  it('gives up at once what turns out to be fatal while it pauses, and hears when to try again', async () => {
    const it = world()
    await using driver = driverOf(it)
    await sendAll(driver)
    it.down = (id) => (id === 'o0' ? new Fatal('declined') : new RetryAfter('1m'))
    await driver.advance('1m')
    expect(letters(driver)).toEqual(['o0'])
    it.down = undefined
    await driver.advance('3m')
    expect(finished(driver)).toHaveLength(ids.length - 1)
  })
})

describe('while an input pauses', () => {
  it('asynchronous turns that were under way cost no attempt either', async () => {
    const it = world()
    const kind = program(it, { isAsync: true, onError: { attempts: 1 } })
    await using driver = testDriver({ objects: [kind], failures: 'expect', partitions: 1 })
    await sendAll(driver)
    await driver.advance('1m')
    expect(letters(driver)).toEqual(['o0', 'o1', 'o2'])
    it.down = undefined
    await driver.advance('20s')
    expect(finished(driver)).toHaveLength(ids.length - 3)
  })

  it('other inputs go on: of another topic, of the same topic, and of the same object', async () => {
    const it = world()
    const kind = program(it).on(
      payments,
      ({ id }) => id,
      (state, { id, n }, turn) => {
        state.seen.push(n)
        turn.emit(done, { id, n })
      },
    )
    const count = stateObject('count', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      orders,
      () => 'all',
      (state) => void state.n++,
    )
    await using driver = testDriver({ objects: [kind, count], failures: 'expect', partitions: 1 })
    await sendAll(driver)
    expect(it.asked).toEqual(['o0', 'o1', 'o2'])
    // It shares its topic, so its turns wait in the rows of their objects.
    expect(driver.state(count, 'all')).toEqual({ n: ids.length })
    await driver.send(payments, { id: 'new', n: 7 })
    await driver.send(payments, { id: 'o5', n: 8 })
    expect(finished(driver)).toEqual(['new 7'])
    it.down = undefined
    driver.loseDisk()
    await driver.crash()
    await driver.advance('20s')
    expect(finished(driver).sort()).toEqual([...all(1), 'new 7', 'o5 8'].sort())
    expect(driver.state(kind, 'o5')).toEqual({ seen: [1, 8] })
    expect(letters(driver)).toEqual([])
  })

  it('its windows stay open for what it has not read', async () => {
    const it = world()
    const start = Date.UTC(2026, 0, 1)
    const timed = topic('timed', z.object({ id: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
    const kind = stateObject('order', { ...basis, window: tumbling('1m') })
      .on(timed, { key: ({ id }) => id, breaker: { after: 2 } }, (state, { id, at }) => {
        const error = it.down?.(id, at)
        if (error !== undefined) throw error
        state.seen.push(at - start)
      })
      .onClose((state, turn) => state.seen.forEach((n) => turn.emit(done, { id: turn.key, n })))
    await using driver = testDriver({ objects: [kind], failures: 'expect', partitions: 1, now: start })
    await driver.sendAll(
      timed,
      ids.map((id, i) => ({ id, at: start + i * 1_000 })),
    )
    await driver.advance('30m')
    it.down = undefined
    await driver.advance('1m')
    await driver.send(timed, { id: 'later', at: start + 31 * 60_000 })
    await driver.advance('10s')
    expect(finished(driver).sort()).toEqual(ids.map((id, i) => `${id} ${i * 1_000}`).sort())
    expect(driver.output(dlq)).toEqual([])
  })

  it('replayed letters wait as well', async () => {
    const it = world()
    await using driver = testDriver({
      objects: [program(it, { onError: { attempts: 1 }, breaker: { after: 2 } })],
      failures: 'expect',
      partitions: 1,
    })
    await sendAll(driver)
    expect(letters(driver)).toEqual(['o0', 'o1'])
    await driver.replayDeadLetters()
    await driver.advance('1m')
    expect(letters(driver)).toEqual(['o0', 'o1'])
    it.down = undefined
    await driver.advance('20s')
    expect(finished(driver).sort()).toEqual(all(1))
    expect(await driver.quarantined()).toEqual([])
  })
})
