import { latestByKey, run, table } from '../shared/run.js'
import { changes, cities, city, row } from './customers.js'
import { capture, debezium } from './feed.js'

await run({
  id: 'change-data',
  objects: [row, city],
  load: (log) => log.send(debezium, capture(), { key: ({ id }) => String(id) }),
  input: changes,
  async show(log) {
    const rows = [...(await latestByKey(log, cities)).values()].sort((a, b) => (a.city < b.city ? -1 : 1))
    table(
      ['city', 'customers'],
      rows.map(({ city, customers }) => [city, customers]),
    )
    console.log(`${rows.reduce((sum, { customers }) => sum + customers, 0)} customers in ${rows.length} cities`)
  },
})
