import { json, kafkaLog } from 'millrace'
import { z } from 'zod'
import { orderRows, productRows } from '../../examples/05-enrichment-by-lookup/data.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { KafkaRuns } from './kafka-runs.js'
import { latest } from './latest.js'
import { output, rowsOf } from './output.js'

/** Each order with the last row of its product, found by going through all of them; by order, `undefined` where there is none. */
function expectedOrders(): Map<string, { category: string; cents: number } | undefined> {
  const products = [...productRows()]
  return new Map(
    [...orderRows()].map(({ id, productId, quantity }) => {
      const row = products.findLast((product) => product.id === productId)
      return [id, row && { category: row.category, cents: row.cents * quantity }]
    }),
  )
}

/** The table the fifth example prints. */
function expectedRevenue(): string {
  const orders = [...expectedOrders().values()]
  const rows = ['books', 'games', 'garden', 'kitchen', 'music', 'tools'].map((category) => {
    const own = orders.filter((order) => order?.category === category)
    const cents = own.reduce((sum, order) => sum + (order?.cents ?? 0), 0)
    return `${category} ${own.length} ${(cents / 100).toFixed(2)}`
  })
  const lost = orders.filter((order) => order === undefined).length
  return [...rows, `${lost} orders of products that are not in the table`].join('\n')
}

it('orders find their product', async () => {
  expect(rowsOf(await output('05-enrichment-by-lookup'))).toBe(expectedRevenue())
}, 60_000)

describeWithKafka('on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '05-enrichment-by-lookup', [
    'products',
    'orders',
    'enriched-orders',
    'orders-without-product',
  ])
  beforeAll(() => runs.open(), 20_000)
  afterAll(() => runs.close())

  it('orders find the same', async () => {
    await using log = kafkaLog({ brokers })
    expect(rowsOf(await runs.output())).toBe(expectedRevenue())
    const row = json(z.object({ id: z.string(), cents: z.number() }))
    const cents = [...expectedOrders()].flatMap(([id, order]) =>
      order === undefined ? [] : [[id, order.cents] as const],
    )
    expect(await latest(log, 'enriched-orders', row, (value) => value.cents)).toEqual(new Map(cents))
  }, 90_000)
})
