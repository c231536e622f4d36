import { stateObject, topic } from 'millrace'
import { sink, source } from 'millrace/connect'
import { rabbitmqSink, rabbitmqSource } from 'millrace/rabbitmq'
import { z } from 'zod'

export const payments = topic('payments', z.object({ account: z.string(), amount: z.number() }))
const Alert = z.object({ account: z.string(), balance: z.number() })
export type Alert = z.infer<typeof Alert>
export const alerts = topic('alerts', Alert)

/** What is on an account. Whoever falls below zero is told of once. */
export const account = stateObject('account', {
  state: z.object({ balance: z.number() }),
  init: () => ({ balance: 0 }),
}).on(
  payments,
  ({ account }) => account,
  (state, { amount }, turn) => {
    const before = state.balance
    state.balance += amount
    if (before >= 0 && state.balance < 0) turn.emit(alerts, { account: turn.key, balance: state.balance })
  },
)

/** Messages of the queue `payments`, each acknowledged when it is committed. */
export const arriving = (url: string) =>
  source('payments', {
    into: payments,
    from: rabbitmqSource({ url, queue: 'payments', declare: {} }),
    key: ({ account }) => account,
  })

/** Messages for the queue `alerts`, each until RabbitMQ has confirmed it. */
export const leaving = (url: string) =>
  sink('alerts', {
    from: alerts,
    to: rabbitmqSink({
      url,
      queue: 'alerts',
      declare: {},
      properties: () => ({ contentType: 'application/json' }),
    }),
  })
