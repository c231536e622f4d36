// What is remembered, and how a record changes it. Nothing here knows where it runs: the test uses it as the app does.
import { stateObject, topic } from 'millrace'
import { z } from 'zod'

export const payments = topic('{{name}}.payments', z.object({ account: z.string(), cents: z.number().int() }), {
  partitions: 4,
})
export const balances = topic('{{name}}.balances', z.object({ account: z.string(), cents: z.number() }), {
  partitions: 4,
})

export const account = stateObject('account', {
  state: z.object({ cents: z.number(), payments: z.number() }),
  init: () => ({ cents: 0, payments: 0 }),
})
  .on(
    payments,
    (payment) => payment.account,
    (state, payment) => {
      state.cents += payment.cents
      state.payments++
    },
  )
  .publish(balances, (state, key) => ({ account: key, cents: state.cents }))
