import { run, table, valuesOf } from '../shared/run.js'
import { load } from './feed.js'
import { orders, paid, purchase, refunds, unpaid } from './orders.js'

await run({
  id: 'order-payment',
  objects: [purchase],
  load,
  input: orders,
  async show(log) {
    const total = (all: readonly { cents: number }[]): string =>
      (all.reduce((sum, { cents }) => sum + cents, 0) / 100).toFixed(2).padStart(9)
    const inTime = await valuesOf(log, paid)
    const given = await valuesOf(log, unpaid)
    const back = await valuesOf(log, refunds)
    table(
      ['orders', 'number', 'amount'],
      [
        ['paid in time', inTime.length, total(inTime)],
        ['not paid in time', given.length, total(given)],
        ['paid too late, refunded', back.length, total(back)],
      ],
    )
    const minutes = inTime.map(({ afterMs }) => afterMs / 60_000).sort((a, b) => a - b)
    console.log(`\nhalf of those in time were paid within ${minutes[minutes.length >> 1]?.toFixed(1)} minutes`)
  },
})
