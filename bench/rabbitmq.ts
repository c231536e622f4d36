import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { createApp, topic } from 'millrace'
import { sink, source } from 'millrace/connect'
import { rabbitmqSink, rabbitmqSource } from 'millrace/rabbitmq'
import { cpuSeconds, event, events, openLog, partitions, report, rounded, runName, whole } from './shared/setting.js'

/**
 * Messages from a queue into a topic, and from the topic into another queue, each way alone: `--url amqp://…`, and `--brokers` for a
 * real Kafka. CPU is that of this process; with the embedded log it has that of the log in it.
 */
const { values: args } = parseArgs({
  options: {
    url: { type: 'string', default: 'amqp://guest:guest@localhost:5672' },
    brokers: { type: 'string' },
    messages: { type: 'string' },
    prefetch: { type: 'string' },
  },
})
const messages = whole(args.messages, 100_000)
const prefetch = whole(args.prefetch, 1_000)
const id = runName('rabbitmq')
const queues = { in: `${id}-in`, out: `${id}-out` }
const through = topic(id, event, { partitions })

interface Figures {
  readonly perSecond: number
  readonly cpuMicrosEach: number
}

/** How long it takes until `done`, looked at every few milliseconds. */
async function measured(done: () => boolean | Promise<boolean>): Promise<Figures> {
  const [from, cpu] = [performance.now(), process.cpuUsage()]
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - from) / 1_000
  return { perSecond: Math.round(messages / seconds), cpuMicrosEach: rounded((cpuSeconds(cpu) / messages) * 1e6, 1) }
}

const log = openLog(args.brokers)
const connection = await connect(args.url)
const channel = await connection.createConfirmChannel()
try {
  for (const queue of Object.values(queues)) await channel.assertQueue(queue)
  let n = 0
  for (const each of events(messages, 1_000)) {
    const options = { messageId: `m${n++}`, persistent: true }
    if (!channel.sendToQueue(queues.in, Buffer.from(JSON.stringify(each)), options)) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()

  const from = rabbitmqSource({ url: args.url, queue: queues.in, prefetch })
  const reading = createApp({ id, log, createTopics: true, sources: [source('in', { into: through, from })] })
  await reading.start()
  const incoming = await measured(() => (reading.stats().connectors[0]?.records ?? 0) >= messages)
  await reading.close()

  const to = rabbitmqSink({ url: args.url, queue: queues.out })
  const writing = createApp({ id: `${id}-out`, log, createTopics: true, sinks: [sink('out', { from: through, to })] })
  await writing.start()
  const outgoing = await measured(() => (writing.stats().connectors[0]?.records ?? 0) >= messages)
  await writing.close()

  const left = (await channel.checkQueue(queues.in)).messageCount
  const arrived = (await channel.checkQueue(queues.out)).messageCount
  report({
    bench: 'rabbitmq',
    log: args.brokers === undefined ? 'memory' : 'kafka',
    messages,
    prefetch,
    in: incoming,
    out: outgoing,
    verified: left === 0 && arrived === messages,
  })
} finally {
  for (const queue of Object.values(queues)) await channel.deleteQueue(queue)
  await connection.close()
  await log[Symbol.asyncDispose]()
}
