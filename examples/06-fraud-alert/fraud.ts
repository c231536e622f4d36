import { stateObject, topic } from 'millrace'
import { z } from 'zod'

const payment = z.object({ account: z.string(), at: z.number(), amount: z.number() })
export type Payment = z.infer<typeof payment>

export const payments = topic('card-payments', payment, { timestamp: ({ at }) => at })
export const alerts = topic('fraud-alerts', z.object({ account: z.string(), at: z.number(), amount: z.number() }))
export const watched = topic('watched-accounts', z.object({ account: z.string(), small: z.number() }))

export const smallBelow = 5
export const largeFrom = 500
export const withinMs = 10 * 60_000

/** Somebody tries a stolen card with small amounts, and then takes a large one. */
export const account = stateObject('account', {
  state: z.object({ small: z.array(z.number()) }),
  init: () => ({ small: [] }),
})
  // By event time: the same payments raise the same alerts, however long after they were made they are processed.
  .timers({ forget: z.null() }, { time: 'event' })
  .on(
    payments.filter(({ amount }) => amount < smallBelow || amount >= largeFrom),
    ({ account }) => account,
    (state, { at, amount }, turn) => {
      // Time goes on in steps, so a payment can come before a timer that was due before it.
      state.small = state.small.filter((then) => at - then < withinMs)
      if (amount < smallBelow) {
        state.small.push(at)
        turn.timer('forget', withinMs, null)
      } else if (state.small.length >= 3) {
        turn.emit(alerts, { account: turn.key, at, amount })
        state.small = []
      }
      if (state.small.length === 0) turn.delete()
    },
  )
  // Only accounts with something to remember have an object.
  .onTimer('forget', (_state, _payload, turn) => turn.delete())
  .publish(watched, ({ small }, account) => ({ account, small: small.length }))
