import { z } from 'zod'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver } from './driver.js'

// As in docs/lookups.md: what to write where a lookup, which sees the row as it is now, is not good enough.

const prices = topic('prices', z.object({ product: z.string(), cents: z.number() }))
const placed = z.object({ id: z.string(), product: z.string(), quantity: z.number() })
const orders = topic('orders', placed)
const invoices = topic('invoices', z.object({ id: z.string(), cents: z.number() }))
const unpriced = topic('unpriced-orders', placed)

/** How much later than the order its price may come. */
const patienceMs = 60_000

const product = stateObject('product', {
  state: z.object({
    prices: z.array(z.object({ from: z.number(), cents: z.number() })),
    waiting: z.array(z.object({ order: placed, at: z.number() })),
  }),
  init: () => ({ prices: [], waiting: [] }),
})
  .timers({ invoice: z.null() }, { time: 'event' })
  .on(
    prices,
    ({ product }) => product,
    (state, { cents }, turn) => {
      state.prices.push({ from: turn.now, cents })
      state.prices.sort((a, b) => a.from - b.from)
    },
  )
  .on(
    orders,
    ({ product }) => product,
    (state, order, turn) => {
      if (state.waiting.push({ order, at: turn.now }) === 1) turn.timer('invoice', patienceMs, null)
    },
  )
  .onTimer('invoice', (state, _payload, turn) => {
    const due = state.waiting.filter(({ at }) => at + patienceMs <= turn.now)
    for (const { order, at } of due) {
      const price = state.prices.findLast(({ from }) => from <= at)
      if (price === undefined) turn.emit(unpriced, order)
      else turn.emit(invoices, { id: order.id, cents: order.quantity * price.cents })
    }
    state.waiting = state.waiting.filter((each) => !due.includes(each))
    const next = Math.min(...state.waiting.map(({ at }) => at + patienceMs))
    if (next < Infinity) turn.timer('invoice', new Date(next), null)
  })

it('two inputs on one kind join by event time, in whatever order their records come', async () => {
  const start = Date.UTC(2026, 0, 1)
  await using driver = testDriver({ objects: [product], partitions: 1 })
  const price = (cents: number, at: number): Promise<void> =>
    driver.send(prices, { product: 'tea', cents }, { timestamp: start + at * 1_000 })
  const order = (id: string, at: number): Promise<void> =>
    driver.send(orders, { id, product: 'tea', quantity: 1 }, { timestamp: start + at * 1_000 })
  await price(100, 0)
  await order('before any price', -10)
  await order('at the first price', 10)
  await order('at the third', 40)
  await order('at the second', 30)
  await price(300, 35)
  await price(200, 20)
  await order('later', 200)
  // Event time is what both inputs have come to.
  await price(400, 400)
  await order('still waiting', 410)
  expect(driver.output(invoices).map(({ value }) => value)).toEqual([
    { id: 'at the first price', cents: 100 },
    { id: 'at the second', cents: 200 },
    { id: 'at the third', cents: 300 },
    { id: 'later', cents: 300 },
  ])
  expect(driver.output(unpriced).map(({ value }) => value?.id)).toEqual(['before any price'])
})
