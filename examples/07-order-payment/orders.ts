import { stateObject, topic, type Turn } from 'millrace'
import { z } from 'zod'

const order = z.object({ id: z.string(), at: z.number(), cents: z.number() })
const payment = z.object({ order: z.string(), at: z.number() })
export type Order = z.infer<typeof order>
export type Payment = z.infer<typeof payment>

const timestamp = ({ at }: { at: number }): number => at
export const orders = topic('shop-orders', order, { timestamp })
export const payments = topic('shop-payments', payment, { timestamp })

export const paid = topic('paid-orders', z.object({ id: z.string(), cents: z.number(), afterMs: z.number() }))
export const unpaid = topic('unpaid-orders', order)
export const refunds = topic('refunds', z.object({ order: z.string(), cents: z.number() }))

export const patienceMs = 3 * 60 * 60_000

const state = z.object({ order: order.nullable(), payment: payment.nullable() })
type State = z.infer<typeof state>

/** Both sides of the join meet in one object; between two topics there is no order, so either may come first. */
export const purchase = stateObject('order', {
  state,
  init: () => ({ order: null, payment: null }),
  // Orders that were not paid in time, and payments without an order, are forgotten some day.
  ttl: '90d',
})
  // Event time: it waits for payments that are behind, however long they have been.
  .timers({ due: z.null() }, { time: 'event' })
  .on(
    orders,
    ({ id }) => id,
    (state, order, turn) => {
      state.order = order
      turn.timer('due', patienceMs, null)
      settle(state, turn)
    },
  )
  .on(
    payments,
    ({ order }) => order,
    (state, payment, turn) => {
      state.payment = payment
      settle(state, turn)
    },
  )
  .onTimer('due', (state, _payload, turn) => {
    // It stays: who pays now is to get the money back.
    if (state.order !== null) turn.emit(unpaid, state.order)
  })

function settle({ order, payment }: State, turn: Turn<{ due: null }>): void {
  if (order === null || payment === null) return
  const afterMs = payment.at - order.at
  if (afterMs < patienceMs) {
    turn.emit(paid, { id: order.id, cents: order.cents, afterMs })
    // Its timer goes with it.
    turn.delete()
  } else turn.emit(refunds, { order: order.id, cents: order.cents })
}
