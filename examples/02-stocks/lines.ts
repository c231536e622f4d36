import { readFileSync } from 'node:fs'

/** The lines of the file, without the names of the columns. */
export function csvLines(): Buffer[] {
  const [, ...lines] = readFileSync('examples/02-stocks/data/stocks.csv', 'utf8').trimEnd().split('\n')
  return lines.map((line) => Buffer.from(line))
}
