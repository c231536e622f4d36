import { latestByKey, run, table } from '../shared/run.js'
import { csvLines } from './lines.js'
import { deadLetters, rawPrices, stock, summaries } from './stocks.js'

await run({
  id: 'stocks',
  objects: [stock],
  // Keyed by symbol, as a market feed would be: a symbol's prices stay in order and run where they arrive.
  load: (log) => log.send(rawPrices, csvLines(), { key: (line) => Buffer.from(line).toString().split(',')[0] ?? null }),
  input: rawPrices,
  async show(log, id) {
    const rows = [...(await latestByKey(log, summaries)).values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
    table(
      ['symbol', 'last', 'highest', 'on'],
      rows.map(({ symbol, last, high, on }) => [symbol, last, high, on]),
    )
    console.log('\nlines that are no prices, from the dead-letter topic:')
    for await (const { value, record } of log.read(deadLetters(id))) {
      const header = (name: string): string => Buffer.from(record.headers.get(`millrace.${name}`) ?? '').toString()
      const where = `${header('source.topic')}[${header('source.partition')}]@${header('source.offset')}`
      console.log(`  ${where}  ${JSON.stringify(Buffer.from(value ?? '').toString())}`)
    }
  },
})
