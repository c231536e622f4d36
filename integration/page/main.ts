// A shop as a process of its own, to be looked at: says `ready <url>` when it runs. At SIGUSR2 its handler is repaired, as by a new
// version of it: it takes orders with a negative amount.
import { parseArgs } from 'node:util'
import { createApp, parseDuration, stateObject } from 'millrace'
import { z } from 'zod'
import { topicsOf } from './topics.js'

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    app: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: '' },
    instance: { type: 'string', default: '' },
    token: { type: 'string', default: '' },
  },
})
const { brokers, app: id, 'data-dir': dataDir, instance: instanceId, token } = values
const { orders, payments, totals, customers, alerts } = topicsOf(id)
let isRepaired = false
process.on('SIGUSR2', () => (isRepaired = true))

const order = stateObject('order', {
  state: z.object({ amount: z.number(), paid: z.number(), note: z.string() }),
  init: () => ({ amount: 0, paid: 0, note: '' }),
  emits: [alerts],
})
  .timers({ reminder: z.object({ amount: z.number() }) })
  .on(orders, { key: ({ id }) => id, onError: { attempts: 1 } }, (state, { amount, note }, turn) => {
    if (amount < 0 && !isRepaired) throw new RangeError(`an order of ${amount} is no order: ${note}`)
    state.amount += amount
    state.note = note
    turn.timer('reminder', '1h', { amount })
  })
  .on(payments, { key: ({ order }) => order, onError: { attempts: 1 } }, (state, { amount }, turn) => {
    state.paid += amount
    if (state.paid > state.amount) turn.emit(alerts, { order: turn.key, over: state.paid - state.amount })
  })
  .onTimer('reminder', (_, { amount }, turn) => turn.emit(alerts, { order: turn.key, over: -amount }))
  .publish(totals, ({ amount, paid }) => ({ amount, paid }))

const customer = stateObject('customer', { state: z.object({ orders: z.number() }), init: () => ({ orders: 0 }) })
  .on(
    orders.filter(({ amount }) => amount > 0),
    { key: ({ customer }) => customer },
    (state) => void state.orders++,
  )
  .publish(customers, ({ orders }) => ({ orders }))

const app = createApp({
  id,
  objects: [order, customer],
  kafka: { brokers: brokers.split(',') },
  dataDir,
  instanceId,
  createTopics: true,
  sessionTimeout: parseDuration('6s', 'session'),
  version: 'build-17',
  http: { port: 0, token },
})

process.once('SIGTERM', () => void app.close())
await app.start()
process.stdout.write(`ready ${app.http?.url}\n`)
await app.closed()
