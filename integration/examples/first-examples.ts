import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, kafkaLog, text, topic } from 'millrace'
import { z } from 'zod'
import { latest } from './latest.js'
import { output, rowsOf } from './output.js'
import { nextName } from '../names.js'

/** Words by splitting, not by matching as the example does. */
async function wordCounts(): Promise<Map<string, number>> {
  const book = await readFile('examples/01-word-count/data/moby-dick.txt', 'utf8')
  const counts = new Map<string, number>()
  for (const word of book.toLowerCase().split(/[^a-z']+/))
    if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

export async function expectedWords(): Promise<string> {
  const counts = await wordCounts()
  const top = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 20)
  return [
    ...top.map(([word, count]) => `${word} ${count}`),
    `${counts.size} different words, ${[...counts.values()].reduce((sum, n) => sum + n)} in all`,
  ].join('\n')
}

/** The table by symbol: the last line of the file that is a price, and the highest with its day. */
export async function expectedPrices(): Promise<string> {
  const lines = (await readFile('examples/02-stocks/data/stocks.csv', 'utf8')).split('\n')
  const rows = ['AAPL', 'AMZN', 'GOOG', 'IBM', 'MSFT'].map((symbol) => {
    const prices = lines.flatMap((line) => /^(\w+),(\w+ 1 \d{4}),([\d.]+)$/.exec(line)?.slice(1) ?? []).join(' ')
    const own = [...prices.matchAll(new RegExp(`${symbol} (\\w+ 1 \\d{4}) ([\\d.]+)`, 'g'))].map(([, day, price]) => ({
      day: day!,
      price: Number(price),
    }))
    const high = own.reduce((best, one) => (one.price > best.price ? one : best))
    const [month, , year] = high.day.split(' ')
    const number = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ').indexOf(month!) + 1
    return `${symbol} ${own.at(-1)!.price} ${high.price} ${year}-${String(number).padStart(2, '0')}-01`
  })
  return rows.join('\n')
}

export const refusedLines = [
  'AAPL,Mar 1 2003',
  'IBM;Feb 1 2004;93.2',
  'AMZN,Apr 1 2001,n/a',
  '',
  'GOOG,someday,195.62',
  'IBM,Jan 1 2010,-3',
].sort()

/** The table the second example prints, and the lines it refused. */
export function stocksIn(printed: string): { rows: string; refused: string[] } {
  const [table = '', letters = ''] = printed.split('\nlines that are no prices, from the dead-letter topic:\n')
  const refused = letters
    .trim()
    .split('\n')
    .map((line): string => JSON.parse(line.slice(line.indexOf('"'))))
  return { rows: rowsOf(table), refused: refused.sort() }
}

/** Both examples, on a broker whose addresses are known once tests run. */
export function firstExamplesOnKafka(brokers: () => readonly string[]): void {
  let log: ReturnType<typeof kafkaLog>
  let directory: string
  beforeAll(async () => {
    log = kafkaLog({ brokers: brokers() })
    directory = await mkdtemp(join(tmpdir(), 'millrace-examples-'))
  })
  afterAll(async () => {
    await log[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })
  const onKafka = (app: string): string[] => [
    '--brokers',
    brokers().join(','),
    '--app-id',
    app,
    '--data-dir',
    directory,
    '--until-drained',
  ]

  it('the first example counts the words of a book', async () => {
    const app = nextName('words')
    expect(rowsOf(await output('01-word-count', onKafka(app)))).toBe(await expectedWords())
    const counts = await wordCounts()
    const state = json(z.object({ count: z.number() }))
    expect(await latest(log, `${app}-word-changelog`, state, ({ count }) => count)).toEqual(counts)
    const row = json(z.object({ word: z.string(), count: z.number() }))
    expect(await latest(log, 'word-counts', row, ({ count }) => count)).toEqual(counts)
  }, 90_000)

  it('the second example finds the highest prices, and the lines that are none', async () => {
    const app = nextName('stocks')
    expect(stocksIn(await output('02-stocks', onKafka(app)))).toEqual({
      rows: await expectedPrices(),
      refused: refusedLines,
    })
    const letters: string[] = []
    for await (const { value } of log.read(topic(`${app}-dlq`, text()))) letters.push(String(value))
    expect(letters.sort()).toEqual(refusedLines)
  }, 90_000)
}
