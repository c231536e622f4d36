import { describeWithKafka } from '../setup/with-kafka.js'
import { expectedWords } from './first-examples.js'
import { KafkaRuns } from './kafka-runs.js'
import { output, rowsOf } from './output.js'

it('a book that comes in over TCP goes out as the counts of its words', async () => {
  expect(rowsOf(await output('11-tcp-word-count'))).toBe(await expectedWords())
}, 60_000)

describeWithKafka('on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '11-tcp-word-count', ['tcp-lines', 'tcp-word-counts'])
  beforeAll(() => runs.open(), 20_000)
  afterAll(() => runs.close())

  it('they are the same', async () => {
    expect(rowsOf(await runs.output())).toBe(await expectedWords())
  }, 90_000)
})
