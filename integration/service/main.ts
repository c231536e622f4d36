// A service as somebody would write it, in one of its versions, as a process of its own. Says on stdout, a word and JSON
// per line: `ready`, `progress` every 50 ms, and at each SIGUSR2 `order` for each order of its tasks and `listed`.
import { parseArgs } from 'node:util'
import { createApp, parseDuration } from 'millrace'
import { revenueOf, riskOf } from './checks.js'
import { orderOf } from './orders.js'
import { topicsOf } from './topics.js'

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    app: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: '' },
    version: { type: 'string', default: '1' },
    risk: { type: 'string', default: '' },
    'session-timeout': { type: 'string', default: '15s' },
  },
})
const { brokers, app: id, 'data-dir': dataDir, version, risk, 'session-timeout': sessionTimeout } = values
const topics = topicsOf(id)
const order = orderOf[version]!(topics)
const app = createApp({
  id,
  objects: [order, riskOf(topics, risk), revenueOf(topics)],
  kafka: { brokers: brokers.split(',') },
  dataDir,
  createTopics: true,
  sessionTimeout: parseDuration(sessionTimeout, '--session-timeout'),
  version,
})

const say = (word: string, value: unknown): boolean => process.stdout.write(`${word} ${JSON.stringify(value)}\n`)

async function list(): Promise<void> {
  for await (const [key, state] of app.state(order).entries()) say('order', { key, state })
  say('listed', {})
}

process.on('SIGUSR2', () => {
  list().catch((error: unknown) => say('unlisted', { reason: String(error) }))
})
process.once('SIGTERM', () => void app.close())
await app.start()
say('ready', {})
const progress = setInterval(() => say('progress', { ...app.health(), records: app.stats().records }), 50)
try {
  await app.closed()
} finally {
  clearInterval(progress)
}
