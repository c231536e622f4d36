import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createApp, kafkaLog, memoryLog, sink, source } from 'millrace'
import { tcpSink, tcpSource } from 'millrace/tcp'
import { table } from '../shared/run.js'
import { receiver } from './receiver.js'
import { send } from './sender.js'
import { counts, lines, word, wordsIn } from './word-count.js'

const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    'app-id': { type: 'string', default: 'tcp-word-count' },
    'data-dir': { type: 'string' },
    'until-drained': { type: 'boolean' },
  },
})
const dataDir = args['data-dir'] === undefined ? {} : { dataDir: args['data-dir'] }
const log = args.brokers === undefined ? memoryLog() : kafkaLog({ brokers: args.brokers.split(',') })

// The other end: it keeps the last count of each word, and answers what it has.
const latest = new Map<string, number>()
const receiving = await receiver((row) => {
  const { word, count } = JSON.parse(row) as { word: string; count: number }
  latest.set(word, count)
})

let listening: (port: number) => void
const port = new Promise<number>((resolve) => {
  listening = resolve
})

const app = createApp({
  id: args['app-id'],
  log,
  createTopics: true,
  ...dataDir,
  objects: [word],
  sources: [
    source('book', {
      into: lines,
      from: tcpSource({
        listen: { port: 0 },
        frames: 'line',
        answers: true,
        // A line is `17 Call me Ishmael.`; its number tells it from all others.
        id: (line) => line.subarray(0, line.indexOf(' ')).toString(),
        record: (line) => ({ bytes: line.subarray(line.indexOf(' ') + 1) }),
        onListening: (place) => listening(place.port),
      }),
    }),
  ],
  sinks: [
    sink('counts', {
      from: counts,
      to: tcpSink({ connect: { port: receiving.port }, frames: 'line', answers: true }),
    }),
  ],
})

await app.start()
const book = readFileSync('examples/01-word-count/data/moby-dick.txt', 'utf8').split('\n')
await send(await port, book)
await app.drained()
const sum = (): number => [...latest.values()].reduce((all, count) => all + count, 0)
const words = book.reduce((all, line) => all + wordsIn(line).length, 0)
while (sum() < words) await setTimeout(50)
await app.close()
receiving.close()
await log[Symbol.asyncDispose]()

const top = [...latest].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 20)
table(['word', 'count'], top)
console.log(`${latest.size} different words, ${sum()} in all`)
