import { between, daysAgo, random } from '../shared/generate.js'
import type { Trade } from './candles.js'

const minuteMs = 60_000
const opening = daysAgo(1) + (14 * 60 + 30) * minuteMs
const minutes = 15
const symbols = ['AAPL', 'IBM', 'MSFT', 'NVDA']

/** A quarter of an hour of trades, in the order in which they are reported: up to 20 s after they were made. */
export function firstTrades(seed = 3): readonly Trade[] {
  const next = random(seed)
  const reported = symbols.flatMap((symbol) => {
    let price = between(next, 50_00, 500_00)
    const own: { readonly trade: Trade; readonly reportedAt: number }[] = []
    for (let at = opening; at < opening + minutes * minuteMs; at += between(next, 1, 800)) {
      price += between(next, -15, 15)
      const trade = { symbol, at, price: price / 100, quantity: between(next, 1, 20) * 10 }
      own.push({ trade, reportedAt: at + between(next, 0, 20_000) })
    }
    return own
  })
  return reported.sort((a, b) => a.reportedAt - b.reportedAt).map(({ trade }) => trade)
}

/** Reported a quarter of an hour later: too late for their minutes. Then trading goes on, which closes the minutes before. */
export function lastTrades(seed = 33): readonly Trade[] {
  const next = random(seed)
  const trade = (symbol: string, at: number): Trade => ({ symbol, at, price: between(next, 50, 500), quantity: 10 })
  return [
    ...symbols.map((symbol) => trade(symbol, opening + between(next, 0, 5 * minuteMs))),
    ...symbols.map((symbol) => trade(symbol, opening + 2 * minutes * minuteMs)),
  ]
}
