import { latestByKey, run, table } from '../shared/run.js'
import { rawPrices } from '../02-stocks/stocks.js'
import { csvLines } from '../02-stocks/lines.js'
import { rows, stock } from './stocks.js'

await run({
  id: 'postgres-rows',
  objects: [stock],
  load: (log) => log.send(rawPrices, csvLines(), { key: (line) => Buffer.from(line).toString().split(',')[0] ?? null }),
  input: rawPrices,
  async show(log) {
    const latest = [...(await latestByKey(log, rows))].sort(([a], [b]) => (a < b ? -1 : 1))
    table(
      ['symbol', 'last', 'high', 'high_on', 'months'],
      latest.map(([symbol, { last, high, high_on, months }]) => [symbol, last, high, high_on, months]),
    )
  },
})
