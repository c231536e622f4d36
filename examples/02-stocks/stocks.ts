import { bytes, stateObject, topic, type Codec } from 'millrace'
import { z } from 'zod'

const price = z.object({ symbol: z.string().regex(/^[A-Z]+$/), date: z.iso.date(), price: z.number().positive() })
export type Price = z.infer<typeof price>

/** `IBM,Jan 1 2000,100.52`, as the text arrives. What does not fit goes to the dead-letter topic. */
const csvLine: Codec<Price> = {
  format: 'csv',
  encode: ({ symbol, date, price }) => `${symbol},${date},${price}`,
  decode(line) {
    const [symbol, day = '', amount = '', ...rest] = Buffer.from(line).toString('utf8').split(',')
    const at = new Date(`${day} UTC`)
    if (rest.length > 0 || amount === '' || Number.isNaN(at.getTime()))
      throw new Error('not a line of symbol,date,price')
    return price.parse({ symbol, date: at.toISOString().slice(0, 10), price: Number(amount) })
  },
}

export const prices = topic('prices', csvLine)
/** The same topic as it is on disk, for loading lines that no codec would write. */
export const rawPrices = topic('prices', bytes())
export const summaries = topic(
  'stock-summaries',
  z.object({ symbol: z.string(), last: z.number(), high: z.number(), on: z.string() }),
)
export const deadLetters = (app: string) => topic(`${app}-dlq`, bytes())

const year = z.object({ high: z.number(), low: z.number() })

export const stock = stateObject('stock', {
  state: z.object({ last: z.number(), high: z.number(), highOn: z.string(), years: z.record(z.string(), year) }),
  init: () => ({ last: 0, high: 0, highOn: '', years: {} }),
})
  .on(
    prices,
    (p) => p.symbol,
    (state, { date, price }) => {
      state.last = price
      if (price > state.high) Object.assign(state, { high: price, highOn: date })
      const year = (state.years[date.slice(0, 4)] ??= { high: price, low: price })
      year.high = Math.max(year.high, price)
      year.low = Math.min(year.low, price)
    },
  )
  .publish(summaries, ({ last, high, highOn }, symbol) => ({ symbol, last, high, on: highOn }))
