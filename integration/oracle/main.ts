// The app of program.ts as a process of its own. Says on stdout, a word and JSON per line: `started`, `progress` every
// 20 ms, `ready`, at each SIGUSR2 `object` for each object of its tasks and `listed`; at a clean end (SIGTERM, or with
// --until-drained by itself) the objects once more and `done`, unless it ends before it was ready.
import { parseArgs } from 'node:util'
import { createApp } from 'millrace'
import { alarmOf, objectOf, topicsOf } from './program.js'

const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    app: { type: 'string' },
    'data-dir': { type: 'string' },
    partitions: { type: 'string', default: '4' },
    'replication-factor': { type: 'string' },
    'commit-interval': { type: 'string', default: '100' },
    'session-timeout': { type: 'string', default: '1000' },
    'status-interval': { type: 'string', default: '20' },
    'instance-id': { type: 'string' },
    'standby-replicas': { type: 'string' },
    trouble: { type: 'string' },
    'until-drained': { type: 'boolean', default: false },
  },
})
const { brokers, app: id, 'data-dir': dataDir, 'instance-id': instanceId } = args
const { 'replication-factor': replicas, 'standby-replicas': standbys } = args
if (brokers === undefined || id === undefined || dataDir === undefined) {
  throw new Error('--brokers, --app and --data-dir are needed')
}
const topics = topicsOf(id, Number(args.partitions))
const object = objectOf(topics, Number(args.trouble ?? 0))
const app = createApp({
  id,
  objects: args.trouble === undefined ? [object] : [object, alarmOf(topics)],
  flows: [topics.input.to(topics.copy)],
  kafka: { brokers: brokers.split(',') },
  dataDir,
  createTopics: true,
  commitInterval: Number(args['commit-interval']),
  sessionTimeout: Number(args['session-timeout']),
  ...(replicas === undefined ? {} : { replicationFactor: Number(replicas) }),
  ...(standbys === undefined ? {} : { standbyReplicas: Number(standbys) }),
  ...(instanceId === undefined ? {} : { instanceId }),
})

const say = (word: string, value: unknown): boolean => process.stdout.write(`${word} ${JSON.stringify(value)}\n`)
const status = (): object => ({ stats: app.stats(), health: app.health() })

async function list(): Promise<void> {
  let objects = 0
  for await (const [key, state] of app.state(object).entries()) {
    say('object', { key, state })
    objects++
  }
  say('listed', { objects })
}

const interrupted = new Promise<'interrupted'>((resolve) => process.once('SIGTERM', () => resolve('interrupted')))
process.on('SIGUSR2', () => {
  list().catch((error: unknown) => say('unlisted', { reason: String(error) }))
})
const progress = setInterval(() => say('progress', status()), Number(args['status-interval']))
try {
  say('started', {})
  const starting = app.start()
  if ((await Promise.race([starting, interrupted])) === 'interrupted') {
    // Closing makes it reject.
    starting.catch(() => undefined)
  } else {
    say('ready', status())
    await Promise.race([args['until-drained'] ? app.drained() : interrupted, app.closed()])
    await list()
    say('done', status())
  }
} finally {
  clearInterval(progress)
  await app.close()
}
