import { createApp, stateObject, topic } from 'millrace'
import { z } from 'zod'

const payments = topic('ledger.payments', z.object({ account: z.string(), cents: z.number().int() }), { partitions: 3 })
const balances = topic('ledger.balances', z.object({ account: z.string(), cents: z.number() }))

const account = stateObject('account', { state: z.object({ cents: z.number() }), init: () => ({ cents: 0 }) })
  .on(
    payments.filter(({ cents }) => cents !== 0),
    (payment) => payment.account,
    (state, payment) => {
      state.cents += payment.cents
    },
  )
  .publish(balances, (state, key) => ({ account: key, cents: state.cents }))

export const app = createApp({
  id: 'ledger',
  objects: [account],
  kafka: { brokers: (process.env.BROKERS ?? 'localhost:9092').split(',') },
})
