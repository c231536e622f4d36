import type { LogClient } from 'millrace'
import { latestByKey, run, table, valuesOf } from '../shared/run.js'
import { rounds } from './feed.js'
import { accepted, market, orders, quotes, refused, rejected, spreads } from './market.js'

const key = ({ symbol }: { symbol: string }): string => symbol

await run({
  id: 'market-spread',
  objects: [market],
  flows: [refused],
  // There is no order between two topics: for orders to meet the quotes before them, each waits for the other to be processed.
  load: rounds().flatMap((round) => [
    (log: LogClient) => log.send(quotes, round.quotes, { key }),
    (log: LogClient) => log.send(orders, round.orders, { key }),
  ]),
  input: quotes,
  async show(log) {
    const current = [...(await latestByKey(log, spreads)).values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
    table(
      ['symbol', 'bid', 'ask', 'spread %'],
      current.map(({ symbol, bid, ask, percent }) => [symbol, cents(bid), cents(ask), percent.toFixed(2).padStart(8)]),
    )
    const refusals = await valuesOf(log, rejected)
    console.log(`\n${(await valuesOf(log, accepted)).length} orders accepted, ${refusals.length} rejected:`)
    for (const reason of ['quantity', 'no quote', 'spread'])
      console.log(`  ${reason}: ${refusals.filter(({ why }) => why === reason).length}`)
  },
})

function cents(amount: number): string {
  return (amount / 100).toFixed(2).padStart(6)
}
