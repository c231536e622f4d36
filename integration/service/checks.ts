import { Fatal, stateObject, tumbling } from 'millrace'
import { z } from 'zod'
import type { ServiceTopics } from './topics.js'

export const minuteMs = 60_000
/** Payments come out of order by less than this. */
export const graceMs = 30_000

/** Asks another service about each order: slow for some, out of order for a while, and certain that some are of no use. */
export function riskOf({ orders, risks }: ServiceTopics, url: string) {
  return stateObject('risk', {
    state: z.object({ score: z.number().nullable() }),
    init: () => ({ score: null }),
    emits: [risks],
  }).on(
    orders,
    {
      key: ({ id }) => id,
      onError: { backoff: { from: '50ms', to: '400ms' }, for: '3m' },
      turnTimeout: '20s',
    },
    async (state, { id }, turn) => {
      const response = await fetch(`${url}/${id}`, { signal: turn.signal })
      const text = await response.text()
      if (response.status === 422) throw new Fatal(`${id} is blocked`)
      if (!response.ok) throw new Error(`${response.status} for ${id}`)
      state.score = Number(text)
      turn.emit(risks, { order: id, score: state.score })
    },
  )
}

/** What each shop was paid in each minute. */
export function revenueOf({ payments, revenues }: ServiceTopics) {
  return stateObject('revenue', {
    state: z.object({ cents: z.number(), payments: z.number() }),
    init: () => ({ cents: 0, payments: 0 }),
    window: tumbling(minuteMs, { grace: graceMs }),
    emits: [revenues],
  })
    .on(
      payments,
      ({ shop }) => shop,
      (state, { cents }) => {
        state.cents += cents
        state.payments++
      },
    )
    .onClose(({ cents, payments: count }, turn) => {
      turn.emit(revenues, { shop: turn.key, start: turn.window.start, cents, payments: count })
    })
}
