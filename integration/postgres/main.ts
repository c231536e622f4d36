// An app of one sink, as a process of its own. Says `ready` on stdout when it takes part, and its health at each SIGUSR2.
import { parseArgs } from 'node:util'
import { createApp, parseDuration, sink } from 'millrace'
import { paymentsOf } from './payments.js'
import { postgresSink } from './postgres-sink.js'

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    app: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: '' },
    'session-timeout': { type: 'string', default: '15s' },
  },
})
const app = createApp({
  id: values.app,
  objects: [],
  sinks: [
    sink('payments', {
      from: paymentsOf(values.app),
      to: postgresSink(values.url),
      maxBackoff: '1s',
      batchRecords: 50,
    }),
  ],
  kafka: { brokers: values.brokers.split(',') },
  dataDir: values['data-dir'],
  createTopics: true,
  sessionTimeout: parseDuration(values['session-timeout'], '--session-timeout'),
})
process.on('SIGUSR2', () => console.log(JSON.stringify(app.health().connectors)))
process.once('SIGTERM', () => void app.close())
await app.start()
console.log('ready')
await app.closed()
