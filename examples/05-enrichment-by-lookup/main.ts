import { latestByKey, run, table } from '../shared/run.js'
import { orderRows, productRows } from './data.js'
import { enrichedOrders, order, orders, products, productsTopic, unmatched } from './enrichment.js'

await run({
  id: 'enrichment',
  objects: [order],
  lookups: [products],
  async loadTables(log) {
    const rows = [...productRows()]
    await log.send(productsTopic, rows, { key: ({ id }) => id })
    return rows.length
  },
  load: (log) => log.send(orders, orderRows(), { key: ({ id }) => id }),
  input: orders,
  async show(log) {
    const enriched = [...(await latestByKey(log, enrichedOrders)).values()]
    const categories = [...new Set(enriched.map(({ category }) => category))].sort((a, b) => (a < b ? -1 : 1))
    const rows = categories.map((name) => {
      const own = enriched.filter(({ category }) => category === name)
      return [name, own.length, (own.reduce((sum, { cents }) => sum + cents, 0) / 100).toFixed(2)]
    })
    table(['category', 'orders', 'revenue'], rows)
    console.log(`${(await latestByKey(log, unmatched)).size} orders of products that are not in the table`)
  },
})
