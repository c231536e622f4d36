import { z } from 'zod'
import { createApp } from '../../lib/app/create-app.js'
import { sink, source } from '../../lib/connect/index.js'
import { kafkaLog } from '../../lib/kafka/kafka-log.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'
import { rabbitmqSink, rabbitmqSource } from '../../lib/rabbitmq/index.js'

/** The app of the kills: numbers come in from a queue, each goes out with how many its object has had. `app.ts <name> <brokers> <url> <dataDir>`. */
const [name = '', brokers = '', url = '', dataDir = ''] = process.argv.slice(2)

const numbers = topic(`${name}-in`, z.object({ n: z.number() }), { partitions: 3 })
const counts = topic(`${name}-out`, z.object({ n: z.number(), count: z.number() }), { partitions: 3 })
const counter = stateObject('counter', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  numbers,
  ({ n }) => String(n % 7),
  (state, { n }, turn) => turn.emit(counts, { n, count: ++state.count }),
)

const [backoff, maxBackoff] = ['20ms', '500ms'] as const
const from = rabbitmqSource({ url, queue: `${name}-in`, prefetch: 200 })
const to = rabbitmqSink({ url, queue: `${name}-out` })
const app = createApp({
  id: name,
  log: kafkaLog({ brokers: brokers.split(',') }),
  dataDir,
  createTopics: true,
  instanceId: 'one',
  commitInterval: '25ms',
  objects: [counter],
  sources: [source('numbers', { into: numbers, from, key: ({ n }) => String(n), backoff, maxBackoff })],
  sinks: [sink('counts', { from: counts, to, backoff, maxBackoff })],
})

app.start().then(
  () => process.stdout.write('started\n'),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exit(1)
  },
)
