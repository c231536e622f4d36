// An app for the tests of the command; what it does is not looked at.
import { createApp, lookup, memoryLog, stateObject, text, topic } from 'millrace'
import { z } from 'zod'

const { SHOP = 'shop', SHOP_BROKERS } = process.env
const orders = topic(`${SHOP}.orders`, z.object({ id: z.string() }), { partitions: 3 })
const totals = topic(`${SHOP}.totals`, text())
const customers = topic(`${SHOP}.customers`, text())

const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
  .on(
    orders,
    ({ id }) => id,
    (state) => void state.n++,
  )
  .publish(totals, (state) => String(state.n))

console.log('a program may print')
export const app = createApp({
  id: SHOP,
  objects: [order],
  lookups: [lookup(customers)],
  ...(SHOP_BROKERS === undefined ? { log: memoryLog() } : { kafka: { brokers: [SHOP_BROKERS] } }),
})
