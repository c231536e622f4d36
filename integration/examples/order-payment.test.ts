import { shop } from '../../examples/07-order-payment/feed.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { KafkaRuns } from './kafka-runs.js'
import { output, rowsOf } from './output.js'

const threeHours = 3 * 60 * 60_000

/** Each order with its payment by looking it up; with everything so many times over. */
function expected(times: number): string {
  const { orders, payments } = shop()
  const paidAt = new Map(payments.map(({ order, at }) => [order, at]))
  const all = orders.map(({ id, at, cents }) => ({ cents, after: (paidAt.get(id) ?? Infinity) - at }))
  const inTime = all.filter(({ after }) => after < threeHours)
  const row = (name: string, some: readonly { cents: number }[]): string =>
    `${name} ${some.length * times} ${((some.reduce((sum, { cents }) => sum + cents, 0) * times) / 100).toFixed(2)}`
  const middle = inTime.map(({ after }) => after / 60_000).sort((a, b) => a - b)[Math.floor(inTime.length / 2)]!
  return [
    row('paid in time', inTime),
    row(
      'not paid in time',
      all.filter(({ after }) => after >= threeHours),
    ),
    row(
      'paid too late, refunded',
      all.filter(({ after }) => after >= threeHours && after < Infinity),
    ),
    '',
    `half of those in time were paid within ${middle.toFixed(1)} minutes`,
  ].join('\n')
}

it('each order is paid, not paid in time, or refunded', async () => {
  expect(rowsOf(await output('07-order-payment'))).toBe(expected(1))
}, 60_000)

describeWithKafka('on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '07-order-payment', [
    'shop-orders',
    'shop-payments',
    'paid-orders',
    'unpaid-orders',
    'refunds',
  ])
  beforeAll(() => runs.open(), 20_000)
  afterAll(() => runs.close())

  it('each order is the same, also to an app that finds all of it there', async () => {
    expect(rowsOf(await runs.output())).toBe(expected(1))
    // Both write to the same topics.
    expect(rowsOf(await runs.output())).toBe(expected(2))
  }, 120_000)
})
