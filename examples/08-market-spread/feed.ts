import { between, random } from '../shared/generate.js'
import type { Order, Quote } from './market.js'

export interface Round {
  readonly quotes: readonly Quote[]
  readonly orders: readonly Order[]
}

const symbols = ['AAPL', 'AMZN', 'GOOG', 'IBM', 'INTC', 'KO', 'MSFT', 'NKE', 'NVDA', 'ORCL']
/** It has orders, and is never quoted. */
const unquoted = 'ZZZZ'

/** Quotes, then orders, three times over; the market is calm, then nervous, then calm. */
export function rounds(seed = 8): readonly Round[] {
  const next = random(seed)
  const prices = new Map(symbols.map((symbol) => [symbol, between(next, 50_00, 500_00)]))
  let id = 0
  return [0, 1, 2].map((round) => {
    const quotes = Array.from({ length: 500 }, () => {
      const symbol = symbols[between(next, 0, symbols.length - 1)] ?? ''
      const price = (prices.get(symbol) ?? 0) + between(next, -50, 50)
      prices.set(symbol, price)
      const half = Math.ceil(price * next() * (round === 1 ? 0.01 : 0.004))
      return { symbol, bid: price - half, ask: price + half }
    })
    const orders = Array.from({ length: 1_000 }, () => ({
      id: id++,
      symbol: [...symbols, unquoted][between(next, 0, symbols.length)] ?? '',
      quantity: next() < 0.05 ? between(next, -100, 0) : between(next, 1, 10_000),
    }))
    return { quotes, orders }
  })
}
