import {
  expectedPrices,
  expectedWords,
  firstExamplesOnKafka,
  refusedLines,
  stocksIn,
} from './examples/first-examples.js'
import { output, rowsOf } from './examples/output.js'
import { describeWithKafka } from './setup/with-kafka.js'

describe('on the embedded log', () => {
  it('the first example counts the words of a book', async () => {
    expect(rowsOf(await output('01-word-count'))).toBe(await expectedWords())
  }, 60_000)

  it('the second example finds the highest prices, and the lines that are none', async () => {
    expect(stocksIn(await output('02-stocks'))).toEqual({ rows: await expectedPrices(), refused: refusedLines })
  }, 60_000)
})

describeWithKafka('on Kafka', (brokers) => firstExamplesOnKafka(() => brokers))
