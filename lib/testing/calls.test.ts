import { z } from 'zod'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { tumbling } from '../model/window.js'
import { Driver, testDriver } from './driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const sums = topic('sums', z.object({ sum: z.number() }))
const state = z.object({ sum: z.number() })
const init = (): { sum: number } => ({ sum: 0 })
const order = stateObject('order', { state, init })
  .on(
    orders,
    ({ id }) => id,
    (own, { n }, turn) => {
      own.sum += n
      turn.emit(sums, { sum: own.sum })
    },
  )
  .query('above', ({ sum }, least: number) => sum > least)
const never = stateObject('order', { state, init }).on(
  orders,
  ({ id }) => id,
  () => new Promise<void>(() => undefined),
)

describe('calls of the driver', () => {
  it('that overlap are run in the order in which they were made', async () => {
    await using driver = testDriver({ objects: [order] })
    const sent = [1, 2, 3].map((n) => driver.send(orders, { id: 'a', n }))
    const crashed = driver.crash('before-end')
    const last = driver.send(orders, { id: 'a', n: 4 })
    const asked = driver.ask(order, 'a', 'above', 9)
    await Promise.all([...sent, crashed, last])
    expect(driver.emitted(sums).map(({ value }) => value?.sum)).toEqual([1, 3, 6, 10])
    expect([await asked, driver.crashes]).toEqual([true, 1])
  })

  it('are run though one before them was rejected', async () => {
    await using driver = testDriver({ objects: [order] })
    const refused = driver.send(orders, { id: 'a', n: 'no number' as never })
    const sent = driver.send(orders, { id: 'a', n: 1 })
    await expect(refused).rejects.toMatchObject({ code: 'VALUE_INVALID' })
    await sent
    expect(driver.state(order, 'a')).toEqual({ sum: 1 })
  })

  it('that get on no more are rejected, with what they wait for, and so are those that follow', async () => {
    await using driver = testDriver({ objects: [never], patience: '200ms' })
    const sent = driver.send(orders, { id: 'a', n: 1 })
    await expect(sent).rejects.toMatchObject({
      code: 'TEST_STUCK',
      message: expect.stringContaining("An asynchronous turn of order 'a' (orders#0) is under way: does its promise"),
    })
    await expect(driver.advance('1m')).rejects.toMatchObject({ code: 'TEST_STUCK' })
  })

  it('are ended by close, which waits for those that were made', async () => {
    const driver = testDriver({ objects: [order] })
    const sent = driver.send(orders, { id: 'a', n: 1 })
    await driver.close()
    await sent
    await driver.close()
    await expect(driver.send(orders, { id: 'a', n: 1 })).rejects.toMatchObject({ code: 'APP_CLOSED' })
    await expect(driver.ask(order, 'a', 'above', 0)).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })

  it('keep the process alive while they last, and no longer', async () => {
    const held = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = held()
    const driver = testDriver({ objects: [order] })
    const sent = driver.send(orders, { id: 'a', n: 1 })
    await Promise.resolve()
    const during = held()
    await sent
    const after = held()
    await driver.close()
    expect([during > before, after]).toEqual([true, before])
  })

  it('keep the process alive while they close, also when a handler never ends', async () => {
    const hangs = stateObject('order', { state, init }).on(
      orders,
      ({ id }) => id,
      () => new Promise(() => undefined),
    )
    const held = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const driver = testDriver({ objects: [hangs], patience: '100ms' })
    await expect(driver.send(orders, { id: 'a', n: 1 })).rejects.toMatchObject({
      code: 'TEST_STUCK',
      message: expect.stringContaining("An asynchronous turn of order 'a' (orders#0) is under way"),
    })
    const before = held()
    const closed = driver.close()
    await new Promise((resolve) => setImmediate(resolve))
    const during = held()
    await closed
    expect([during > before, held()]).toEqual([true, before])
  })

  it('do not wait for the clock on the wall, windows or not', async () => {
    const windowed = stateObject('order', { state, init, window: tumbling('1m') }).on(
      orders,
      ({ id }) => id,
      (own) => void own.sum++,
    )
    await using driver = testDriver({ objects: [windowed] })
    await driver.send(orders, { id: 'a', n: 1 })
    const begun = performance.now()
    for (let n = 0; n < 20; n++) await driver.send(orders, { id: 'a', n })
    // 50 ms for each look at the group's offsets would be 3 s; it takes about 70 ms.
    expect(performance.now() - begun).toBeLessThan(1_500)
  })
})

it('a record can be sent with headers', async () => {
  await using driver = testDriver({ objects: [order], partitions: 1 })
  await driver.send(orders, { id: 'a', n: 1 }, { headers: { traceparent: 'a trace', other: Uint8Array.of(1) } })
  expect([...driver.output(sums)[0]!.headers].map(([name, value]) => [name, Buffer.from(value!).toString()])).toEqual([
    ['traceparent', 'a trace'],
  ])
  expect(driver.output(orders)[0]?.headers.get('other')).toEqual(Uint8Array.of(1))
  const refused = driver.send(orders, { id: 'a', n: 1 }, { headers: { h: 1 as never } })
  await expect(refused).rejects.toMatchObject({ code: 'RECORD_INVALID' })
})

describe('reads of the driver', () => {
  it('are those of an app, and give keys and values as they are', async () => {
    await using driver = testDriver({ objects: [order], partitions: 1 })
    expect(await driver.entries(order)).toEqual([])
    await driver.send(orders, { id: 'a', n: 1 })
    await driver.send(orders, { id: 'b', n: 2 })
    expect(await driver.entries(order)).toEqual([
      ['a', { sum: 1 }],
      ['b', { sum: 2 }],
    ])
    expect(await driver.entries(order, { prefix: 'b' })).toHaveLength(1)
    expect(await driver.ask(order, 'b', 'above', 1)).toBe(true)
    expect(await driver.ask(order, 'nobody', 'above', 1)).toBeUndefined()
    expect(driver.emitted(sums)).toEqual([
      { key: 'a', value: { sum: 1 } },
      { key: 'b', value: { sum: 2 } },
    ])
  })

  it('are of the process that lives, when one has died between two calls', async () => {
    await using driver = new Driver({ objects: [order], partitions: 1 })
    await driver.send(orders, { id: 'a', n: 1 })
    await driver.crash('before-end')
    await driver.log.send(orders, [{ id: 'b', n: 2 }])
    expect(await driver.entries(order)).toHaveLength(2)
    expect(await driver.ask(order, 'b', 'above', 1)).toBe(true)
    expect(driver.crashes).toBe(1)
  })
})
