import type { LogClient } from 'millrace'
import { run, table, valuesOf } from '../shared/run.js'
import { candles, lateTrades, minute, trades, type Trade } from './candles.js'
import { firstTrades, lastTrades } from './feed.js'

const send = (log: LogClient, values: readonly Trade[]): Promise<unknown> =>
  log.send(trades, values, { key: ({ symbol }) => symbol })

await run({
  id: 'candles',
  objects: [minute],
  // In two parts, so that the late ones come when the minutes that they are of have been closed.
  load: [(log) => send(log, firstTrades()), (log) => send(log, lastTrades())],
  input: trades,
  async show(log, id) {
    const rows = (await valuesOf(log, candles)).sort((a, b) => a.start - b.start || (a.symbol < b.symbol ? -1 : 1))
    table(
      ['minute', 'symbol', 'open', 'high', 'low', 'close', 'volume'],
      rows.map(({ symbol, start, open, high, low, close, volume }) => [
        new Date(start).toISOString().slice(11, 16),
        symbol,
        ...[open, high, low, close].map((price) => price.toFixed(2).padStart(6)),
        volume,
      ]),
    )
    console.log('\ntrades that came too late, from the dead-letter topic:')
    for (const { symbol, at, price } of await valuesOf(log, lateTrades(id)))
      console.log(`  ${new Date(at).toISOString().slice(11, 23)} ${symbol} ${price}`)
  },
})
