// The app, not started yet: main.ts starts it, and `millrace … --program dist/src/app.js` looks at it.
import { createApp, kafkaLog, memoryLog } from 'millrace'
import { account } from './account.js'

/** `host:port,host:port`; without it everything runs in this process, and is forgotten with it. */
const brokers = process.env.KAFKA_BROKERS

export const log = brokers === undefined ? memoryLog() : kafkaLog({ brokers: brokers.split(',') })

export const app = createApp({
  id: '{{name}}',
  objects: [account],
  log,
  // Good for development; in production topics are made with `millrace topics create`.
  createTopics: true,
  // Probes, metrics and state; on this machine only, unless you give a host and a token.
  http: { port: Number(process.env.PORT ?? 8080) },
})
