import { stateObject, topic, tumbling } from 'millrace'
import { z } from 'zod'

const trade = z.object({ symbol: z.string(), at: z.number(), price: z.number(), quantity: z.number() })
export type Trade = z.infer<typeof trade>

/** Event time is when a trade was made, not when it was reported. */
export const trades = topic('trades', trade, { timestamp: ({ at }) => at })
export const candles = topic(
  'candles',
  z.object({
    symbol: z.string(),
    start: z.number(),
    open: z.number(),
    high: z.number(),
    low: z.number(),
    close: z.number(),
    volume: z.number(),
  }),
)
/** Trades that came when their minute had been closed. */
export const lateTrades = (app: string) => topic(`${app}-dlq`, trade)

/** One object per symbol and minute. It is not published: a candle is of use when its minute is over, and then it is final. */
export const minute = stateObject('minute', {
  state: z.object({
    open: z.number(),
    openAt: z.number(),
    high: z.number(),
    low: z.number(),
    close: z.number(),
    closeAt: z.number(),
    volume: z.number(),
  }),
  init: () => ({ open: 0, openAt: Infinity, high: -Infinity, low: Infinity, close: 0, closeAt: -Infinity, volume: 0 }),
  window: tumbling('1m', { grace: '30s' }),
})
  .on(
    trades,
    ({ symbol }) => symbol,
    (state, { at, price, quantity }) => {
      // Within the grace trades come in any order, so the first to come need not be the first of the minute.
      if (at < state.openAt) Object.assign(state, { open: price, openAt: at })
      if (at > state.closeAt) Object.assign(state, { close: price, closeAt: at })
      state.high = Math.max(state.high, price)
      state.low = Math.min(state.low, price)
      state.volume += quantity
    },
  )
  .onClose(({ open, high, low, close, volume }, turn) => {
    turn.emit(candles, { symbol: turn.key, start: turn.window.start, open, high, low, close, volume })
  })
