import { rounds } from '../../examples/08-market-spread/feed.js'
import { output, rowsOf } from './output.js'

function expected(): string {
  const quotes = new Map<string, { bid: number; ask: number }>()
  const counts = { accepted: 0, quantity: 0, 'no quote': 0, spread: 0 }
  for (const round of rounds()) {
    for (const { symbol, bid, ask } of round.quotes) quotes.set(symbol, { bid, ask })
    for (const { symbol, quantity } of round.orders) {
      const quote = quotes.get(symbol)
      if (!(quantity > 0)) counts.quantity++
      else if (quote === undefined) counts['no quote']++
      // More than a hundredth of the middle, in whole numbers.
      else if ((quote.ask - quote.bid) * 200 >= quote.ask + quote.bid) counts.spread++
      else counts.accepted++
    }
  }
  const { accepted, ...rejected } = counts
  const rows = [...quotes].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    ...rows.map(([symbol, { bid, ask }]) => {
      const percent = (200 * (ask - bid)) / (ask + bid)
      return `${symbol} ${(bid / 100).toFixed(2)} ${(ask / 100).toFixed(2)} ${percent.toFixed(2)}`
    }),
    '',
    `${accepted} orders accepted, ${rejected.quantity + rejected['no quote'] + rejected.spread} rejected:`,
    ...Object.entries(rejected).map(([why, number]) => `${why}: ${number}`),
  ].join('\n')
}

it('orders are judged by the quotes before them', async () => {
  expect(rowsOf(await output('08-market-spread'))).toBe(expected())
}, 60_000)
