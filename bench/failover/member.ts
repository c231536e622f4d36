// One instance of the app as a process of its own. Says on stdout a word and JSON per line: `ready` with its stats, and `log`
// for whatever the app logs. Ends cleanly on SIGTERM.
import { parseArgs } from 'node:util'
import { createApp, type Logger } from 'millrace'
import { counter, topicsOf } from './program.js'
import { wallClock } from './wall-clock.js'

const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    app: { type: 'string', default: '' },
    name: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: '' },
    'commit-interval': { type: 'string', default: '' },
    'session-timeout': { type: 'string', default: '' },
    'instance-id': { type: 'string' },
    standbys: { type: 'string', default: '0' },
  },
})

const say = (word: string, value: unknown): boolean => process.stdout.write(`${word} ${JSON.stringify(value)}\n`)
const plain = (_key: string, value: unknown): unknown =>
  value instanceof Error ? value.message : typeof value === 'bigint' ? String(value) : value
const logging = (level: string) => (fields: object, message?: string) =>
  void say('log', { at: wallClock(), level, message, fields: JSON.stringify(fields, plain) })
const logger: Logger = {
  debug: logging('debug'),
  info: logging('info'),
  warn: logging('warn'),
  error: logging('error'),
}

const app = createApp({
  id: args.app,
  objects: [counter(topicsOf(args.app), args.name)],
  kafka: { brokers: args.brokers.split(',') },
  dataDir: args['data-dir'],
  createTopics: true,
  commitInterval: Number(args['commit-interval']),
  sessionTimeout: Number(args['session-timeout']),
  logger,
  standbyReplicas: Number(args.standbys),
  ...(args['instance-id'] === undefined ? {} : { instanceId: args['instance-id'] }),
})
const interrupted = new Promise<void>((resolve) => process.once('SIGTERM', resolve))
try {
  await app.start()
  say('ready', app.stats())
  await Promise.race([interrupted, app.closed()])
} finally {
  await app.close()
}
