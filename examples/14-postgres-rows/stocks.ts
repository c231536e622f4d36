import { connectJson, connectKey, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { prices } from '../02-stocks/stocks.js'

const dollars = z.string().meta({ connect: { decimal: 2 } })
const day = z.iso.date().meta({ connect: 'date' })

/** What becomes a table with the primary key `symbol` and a column for each field. */
export const rows = topic(
  'stock_rows',
  connectJson(z.object({ last: dollars, high: dollars, high_on: day, months: z.int32() })),
  { key: connectKey({ symbol: z.string() }) },
)

export const stock = stateObject('stock', {
  state: z.object({ last: z.number(), high: z.number(), highOn: z.string(), months: z.int32() }),
  init: () => ({ last: 0, high: 0, highOn: '', months: 0 }),
})
  .on(
    prices,
    ({ symbol }) => symbol,
    (state, { date, price }) => {
      state.last = price
      state.months += 1
      if (price > state.high) Object.assign(state, { high: price, highOn: date })
    },
  )
  // The row of each object that a commit has changed; the key is that of the object.
  .publish(rows, ({ last, high, highOn, months }) => ({
    last: last.toFixed(2),
    high: high.toFixed(2),
    high_on: highOn,
    months,
  }))
