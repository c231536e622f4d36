// The app of program.ts as a process of its own. Says on stdout, a word and JSON per line: `started`, `progress` every
// 20 ms, `ready`, and at a clean end (SIGTERM, or with --until-drained by itself) `object` for each object of its tasks and `done`.
import { parseArgs } from 'node:util'
import { createApp } from 'millrace'
import { objectOf, topicsOf } from './program.js'

const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    app: { type: 'string' },
    'data-dir': { type: 'string' },
    'commit-interval': { type: 'string', default: '100' },
    'session-timeout': { type: 'string', default: '1000' },
    'instance-id': { type: 'string' },
    'until-drained': { type: 'boolean', default: false },
  },
})
const { brokers, app: id, 'data-dir': dataDir, 'instance-id': instanceId } = args
if (brokers === undefined || id === undefined || dataDir === undefined) {
  throw new Error('--brokers, --app and --data-dir are needed')
}
const topics = topicsOf(id)
const object = objectOf(topics)
const app = createApp({
  id,
  objects: [object],
  flows: [topics.input.to(topics.copy)],
  kafka: { brokers: brokers.split(',') },
  dataDir,
  createTopics: true,
  commitInterval: Number(args['commit-interval']),
  sessionTimeout: Number(args['session-timeout']),
  ...(instanceId === undefined ? {} : { instanceId }),
})

const say = (word: string, value: unknown): boolean => process.stdout.write(`${word} ${JSON.stringify(value)}\n`)
const status = (): object => ({ stats: app.stats(), health: app.health() })

const interrupted = new Promise<void>((resolve) => process.once('SIGTERM', resolve))
const progress = setInterval(() => say('progress', status()), 20)
try {
  say('started', {})
  await app.start()
  say('ready', status())
  await Promise.race([args['until-drained'] ? app.drained() : interrupted, app.closed()])
  for await (const [key, state] of app.state(object).entries()) say('object', { key, state })
  say('done', status())
} finally {
  clearInterval(progress)
  await app.close()
}
