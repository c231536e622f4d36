import { stateObject, topic } from 'millrace'
import { z } from 'zod'

const quote = z.object({ symbol: z.string(), bid: z.number(), ask: z.number() })
const order = z.object({ id: z.number(), symbol: z.string(), quantity: z.number() })
export type Quote = z.infer<typeof quote>
export type Order = z.infer<typeof order>

/** Prices in cents. */
export const quotes = topic('quotes', quote)
export const orders = topic('market-orders', order)
export const accepted = topic('accepted-orders', order.extend({ bid: z.number(), ask: z.number() }))
const rejection = order.extend({ why: z.enum(['quantity', 'no quote', 'spread']) })
export const rejected = topic('rejected-orders', rejection)
export const spreads = topic('spreads', quote.extend({ percent: z.number() }))

/** What needs no state to be refused is refused before it costs a turn. */
const { sound, rest } = orders.branch({ sound: ({ quantity }) => quantity > 0 && quantity <= 10_000 })
export const refused = rest
  .map((order): z.infer<typeof rejection> => ({ ...order, why: 'quantity' }))
  .to(rejected, { key: ({ symbol }) => symbol })

/** One object per symbol: quotes move it, and orders are judged by where it stands. */
export const market = stateObject('market', {
  state: z.object({ quote: quote.nullable() }),
  init: () => ({ quote: null }),
})
  .on(
    quotes,
    ({ symbol }) => symbol,
    (state, quote) => {
      state.quote = quote
    },
  )
  .on(
    sound,
    ({ symbol }) => symbol,
    ({ quote }, order, turn) => {
      if (quote === null) turn.emit(rejected, { ...order, why: 'no quote' })
      else if (percent(quote) >= 1) turn.emit(rejected, { ...order, why: 'spread' })
      else turn.emit(accepted, { ...order, bid: quote.bid, ask: quote.ask })
    },
  )
  .publish(spreads, ({ quote }) => quote && { ...quote, percent: percent(quote) })

/** The spread, of the price in its middle. */
function percent({ bid, ask }: Quote): number {
  return ((ask - bid) / ((ask + bid) / 2)) * 100
}
