import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { ConnectWorker, type Connector } from '../setup/connect-worker.js'
import { OwnPostgres } from '../setup/own-postgres.js'
import { describeWithKafka } from '../setup/with-kafka.js'
import { expectedPrices } from './first-examples.js'
import { KafkaRuns } from './kafka-runs.js'
import { output, rowsOf } from './output.js'

/** Prices of each symbol in the file; one row of its table a symbol. */
const months: Readonly<Record<string, number>> = { AAPL: 123, AMZN: 123, GOOG: 68, IBM: 123, MSFT: 123 }

async function expected(): Promise<string> {
  const rows = (await expectedPrices()).split('\n').map((line) => {
    const [symbol = '', last, high, on] = line.split(' ')
    return `${symbol} ${Number(last).toFixed(2)} ${Number(high).toFixed(2)} ${on} ${months[symbol]}`
  })
  return rows.join('\n')
}

it('rows of stocks are published', async () => {
  expect(rowsOf(await output('14-postgres-rows'))).toBe(await expected())
}, 60_000)

describeWithKafka('rows of stocks on Kafka', (brokers) => {
  const runs = new KafkaRuns(brokers, '14-postgres-rows', ['prices', 'stock_rows'])
  let postgres: OwnPostgres
  beforeAll(async () => {
    await runs.open()
    postgres = await OwnPostgres.start()
  }, 90_000)
  afterAll(async () => {
    await postgres.remove()
    await runs.close()
  }, 60_000)

  it('are a table in PostgreSQL, by the settings that stand beside the example', async () => {
    await runs.output()
    const sink = JSON.parse(await readFile('examples/14-postgres-rows/postgres-sink.json', 'utf8')) as Connector
    const worker = await ConnectWorker.start(brokers, [sink], {
      POSTGRES_URL: `jdbc:postgresql://127.0.0.1:${postgres.port}/postgres`,
      POSTGRES_USER: 'postgres',
      POSTGRES_PASSWORD: 'unused',
    })
    const database = new Client({ connectionString: postgres.url })
    await database.connect()
    try {
      const table = async (): Promise<string> => {
        const query = `SELECT concat_ws(' ', symbol, last, high, high_on, months) AS line FROM stock_rows ORDER BY symbol`
        const { rows } = await database.query<{ line: string }>(query).catch(() => ({ rows: [] }))
        return rows.map(({ line }) => line).join('\n')
      }
      const all = await expected()
      expect(await worker.until(sink.name, table, (found) => found === all)).toBe(all)
    } finally {
      await database.end()
      await worker.remove()
    }
  }, 150_000)
})
