// One instance of the app as a process of its own. Says on stdout a word and JSON per line: `ready` with its stats, and `log`
// for whatever the app logs. Ends cleanly on SIGTERM.
import { parseArgs } from 'node:util'
import { createApp, type AppOptions, type Logger } from 'millrace'
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
    standbys: { type: 'string' },
  },
})

const say = (word: string, value: unknown): boolean => process.stdout.write(`${word} ${JSON.stringify(value)}\n`)
const logging = (level: string) => (fields: object, message?: string) =>
  void say('log', { at: wallClock(), level, message, fields: JSON.stringify(fields) ?? '' })
const logger: Logger = {
  debug: logging('debug'),
  info: logging('info'),
  warn: logging('warn'),
  error: logging('error'),
}

const options: AppOptions = {
  id: args.app,
  objects: [counter(topicsOf(args.app), args.name)],
  kafka: { brokers: args.brokers.split(',') },
  dataDir: args['data-dir'],
  createTopics: true,
  commitInterval: Number(args['commit-interval']),
  sessionTimeout: Number(args['session-timeout']),
  logger,
  ...(args['instance-id'] === undefined ? {} : { instanceId: args['instance-id'] }),
}
const app = createApp(args.standbys === undefined ? options : withStandbys(options, Number(args.standbys)))
const interrupted = new Promise<void>((resolve) => process.once('SIGTERM', resolve))
try {
  await app.start()
  say('ready', app.stats())
  await Promise.race([interrupted, app.closed()])
} finally {
  await app.close()
}

/** As an object: the option may not exist in the version that is measured. */
function withStandbys(without: AppOptions, standbyReplicas: number): AppOptions {
  return Object.assign({ ...without }, { standbyReplicas })
}
