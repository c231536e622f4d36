import { latestByKey, run, table } from '../shared/run.js'
import { changes, filling } from './tables.js'
import { addresses, customers, view, views } from './view.js'

await run({
  id: 'customer-view',
  objects: [view],
  async load(log) {
    const happened = changes()
    await log.send(filling(customers), happened.customers, { key: ({ id }) => id })
    await log.send(filling(addresses), happened.addresses, { key: ({ id }) => id })
  },
  input: customers,
  async show(log) {
    const rows = [...(await latestByKey(log, views)).values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    table(
      ['customer', 'name', 'street', 'city'],
      rows.map(({ id, name, street, city }) => [id, name, street, city]),
    )
    console.log(`${rows.length} customers with a name and an address`)
  },
})
