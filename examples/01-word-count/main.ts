import { readFileSync } from 'node:fs'
import { latestByKey, run, table } from '../shared/run.js'
import { counts, lines, word } from './word-count.js'

await run({
  id: 'word-count',
  objects: [word],
  load: (log) => log.send(lines, readFileSync('examples/01-word-count/data/moby-dick.txt', 'utf8').split('\n')),
  input: lines,
  async show(log) {
    const words = [...(await latestByKey(log, counts)).values()]
    const top = words.sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1)).slice(0, 20)
    table(
      ['word', 'count'],
      top.map(({ word, count }) => [word, count]),
    )
    console.log(`${words.length} different words, ${words.reduce((sum, { count }) => sum + count, 0)} in all`)
  },
})
