import { capture } from '../../examples/15-change-data/feed.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { KafkaRuns } from './kafka-runs.js'
import { output, rowsOf } from './output.js'

/** The last change of each row decides where its customer is. */
function expected(): string {
  const rows = new Map(capture().map(({ id, change }) => [id, change?.payload.after ?? null]))
  const counts = new Map<string, number>()
  for (const row of rows.values()) {
    if (row === null || row.city === null) continue
    counts.set(row.city, (counts.get(row.city) ?? 0) + 1)
  }
  const cities = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
  const all = cities.reduce((sum, [, customers]) => sum + customers, 0)
  return [...cities.map(([city, n]) => `${city} ${n}`), `${all} customers in ${cities.length} cities`].join('\n')
}

it('changes of a table are followed, deletions with their tombstones too', async () => {
  expect(rowsOf(await output('15-change-data'))).toBe(expected())
}, 60_000)

describeWithKafka('change data on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '15-change-data', [
    'shop.public.customers',
    'customer-moves',
    'customers-by-city',
  ])
  beforeAll(() => runs.open())
  afterAll(() => runs.close())

  it('comes to the same', async () => {
    expect(rowsOf(await runs.output())).toBe(expected())
  }, 90_000)
})
