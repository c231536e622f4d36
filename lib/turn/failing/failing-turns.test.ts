import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number(), sum: z.number() }))

/** Fails on those in `bad`, after having changed state and emitted. */
function program(bad: Set<number>, attempts = 3) {
  return stateObject('order', {
    state: z.object({ sum: z.number(), seen: z.array(z.number()) }),
    init: () => ({ sum: 0, seen: [] }),
  }).on(orders, { key: ({ id }) => id, onError: { attempts, backoff: '1s' } }, (state, { id, n }, turn) => {
    state.sum += n
    state.seen.push(n)
    turn.emit(done, { id, n, sum: state.sum })
    if (bad.has(n)) throw new Error(`cannot do ${n}`)
  })
}

const dlq = topic('test-dlq', z.object({ id: z.string(), n: z.number() }))
const numbers = (driver: TestDriver, id: string): number[] =>
  driver.output(done).flatMap(({ value }) => (value?.id === id ? [value.n] : []))
const letters = (driver: TestDriver): number[] => driver.output(dlq).map(({ value }) => value!.n)

describe('a turn that fails', () => {
  it('leaves nothing behind, also when its object had been changed in the same commit', async () => {
    const order = program(new Set([3]), 1)
    await using driver = testDriver({ failures: 'expect', objects: [order], partitions: 1 })
    await driver.sendAll(
      orders,
      [1, 2, 3].map((n) => ({ id: 'a', n })),
    )
    expect(driver.state(order, 'a')).toEqual({ sum: 3, seen: [1, 2] })
    expect(numbers(driver, 'a')).toEqual([1, 2])
    expect(letters(driver)).toEqual([3])
  })

  it('is tried again after a pause, while later records of its object wait and others go on', async () => {
    const bad = new Set([2])
    const order = program(bad, 5)
    await using driver = testDriver({ failures: 'expect', objects: [order], partitions: 1 })
    await driver.sendAll(orders, [
      { id: 'a', n: 1 },
      { id: 'a', n: 2 },
      { id: 'b', n: 10 },
      { id: 'a', n: 3 },
      { id: 'b', n: 11 },
    ])
    expect(numbers(driver, 'a')).toEqual([1])
    expect(numbers(driver, 'b')).toEqual([10, 11])
    await driver.advance('1s')
    expect(numbers(driver, 'a')).toEqual([1])
    bad.clear()
    await driver.send(orders, { id: 'a', n: 4 })
    expect(numbers(driver, 'a')).toEqual([1])
    await driver.advance('2s')
    expect(numbers(driver, 'a')).toEqual([1, 2, 3, 4])
    expect(driver.state(order, 'a')).toEqual({ sum: 10, seen: [1, 2, 3, 4] })
  })

  it('and those behind it survive crashes and an empty disk', async () => {
    const bad = new Set([1])
    const order = program(bad, 4)
    await using driver = testDriver({ failures: 'expect', objects: [order] })
    await driver.sendAll(
      orders,
      [1, 2, 3].map((n) => ({ id: 'a', n })),
    )
    driver.loseDisk()
    await driver.crash()
    await driver.send(orders, { id: 'a', n: 4 })
    await driver.crash('after-end')
    bad.clear()
    await driver.advance('1m')
    expect(numbers(driver, 'a')).toEqual([1, 2, 3, 4])
  })

  it('for good becomes a dead letter, and so do later ones of its object, in order', async () => {
    const order = program(new Set([2]), 3)
    await using driver = testDriver({ failures: 'expect', objects: [order] })
    for (const n of [1, 2, 3]) await driver.send(orders, { id: 'a', n })
    expect(letters(driver)).toEqual([])
    await driver.advance('1s')
    await driver.advance('2s')
    expect(letters(driver)).toEqual([2, 3])
    await driver.crash()
    await driver.send(orders, { id: 'a', n: 4 })
    await driver.send(orders, { id: 'b', n: 5 })
    expect(letters(driver)).toEqual([2, 3, 4])
    expect(numbers(driver, 'a')).toEqual([1])
    expect(numbers(driver, 'b')).toEqual([5])
  })

  it('makes its object be looked at with care: a hot one is not processed again with every failure', async () => {
    const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      orders,
      { key: ({ id }) => id, onError: { attempts: 1, then: 'skip' } },
      (state, { n }) => {
        state.n++
        if (n % 2 === 1) throw new Error('odd')
      },
    )
    await using driver = testDriver({ failures: 'expect', objects: [order], partitions: 1 })
    await driver.sendAll(
      orders,
      Array.from({ length: 1_000 }, (_, n) => ({ id: 'a', n })),
    )
    expect(driver.state(order, 'a')).toEqual({ n: 500 })
    expect(driver.stats().records).toBeLessThan(3_000)
  })
})

describe('a state that does not fit its schema after a turn', () => {
  const order = (checked?: boolean) =>
    stateObject('order', {
      state: z.object({ n: z.number().max(5) }),
      init: () => ({ n: 0 }),
      ...(checked === undefined ? {} : { checked }),
    }).on(orders, { key: ({ id }) => id, onError: { attempts: 1 } }, (state, { n }) => {
      state.n = n
    })

  it('is an error of that turn', async () => {
    const kind = order()
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.sendAll(
      orders,
      [3, 7, 4].map((n) => ({ id: 'a', n })),
    )
    expect(driver.state(kind, 'a')).toEqual({ n: 3 })
    expect(letters(driver)).toEqual([7, 4])
    expect(driver.output(dlq)[0]?.headers.get('millrace.error.code')).toEqual(
      Uint8Array.from(Buffer.from('STATE_INVALID')),
    )
  })

  it('is let through when that is switched off', async () => {
    const kind = order(false)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.send(orders, { id: 'a', n: 7 })
    expect(driver.output(dlq)).toEqual([])
  })
})
