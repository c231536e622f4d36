import { firstTrades, lastTrades } from '../../examples/03-candles/feed.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { KafkaRuns } from './kafka-runs.js'
import { grouped, output, rowsOf } from './output.js'

const time = (ms: number, to: number): string => new Date(ms).toISOString().slice(11, to)

/** By the texts of their times, sorted first: the example neither sorts nor groups. */
function expected(): string {
  const minutes = [...grouped(firstTrades(), ({ at, symbol }) => `${time(at, 16)} ${symbol}`)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  const candles = minutes.map(([name, all]) => {
    const prices = all.sort((a, b) => a.at - b.at).map(({ price }) => price)
    const four = [prices[0]!, Math.max(...prices), Math.min(...prices), prices.at(-1)!]
    return [name, ...four.map((price) => price.toFixed(2)), all.reduce((sum, { quantity }) => sum + quantity, 0)].join(
      ' ',
    )
  })
  return candles.join('\n')
}

/** The first of each symbol's two is late, the other opens a minute that never closes. */
const late = lastTrades()
  .slice(0, 4)
  .map(({ at, symbol, price }) => `${time(at, 23)} ${symbol} ${price}`)

function found(printed: string): { candles: string; late: string[] } {
  const [candles = '', letters = ''] = rowsOf(printed).split(
    '\n\ntrades that came too late, from the dead-letter topic:\n',
  )
  return { candles, late: letters.split('\n').sort() }
}

it('candles are made of the trades of each minute, but for those that come too late', async () => {
  expect(found(await output('03-candles'))).toEqual({ candles: expected(), late: [...late].sort() })
}, 60_000)

describeWithKafka('on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '03-candles', ['trades', 'candles'])
  beforeAll(() => runs.open(), 20_000)
  afterAll(() => runs.close())

  it('candles are the same', async () => {
    const printed = await runs.output()
    expect(found(printed)).toEqual({ candles: expected(), late: [...late].sort() })
  }, 90_000)
})
