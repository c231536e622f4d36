import { parseArgs } from 'node:util'
import { z } from 'zod'
import { text } from '../../lib/codec/codec.js'
import { ownFacts } from '../../lib/log/joining/process-facts.js'
import { createApp } from '../../lib/app/create-app.js'
import { kafkaLog } from '../../lib/kafka/kafka-log.js'
import { stateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'

// A service on a real broker: it counts words. Says when it commits for the first time, and how often each word was there.
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string', default: '' },
    app: { type: 'string', default: '' },
    dir: { type: 'string' },
    'session-timeout': { type: 'string', default: '10000' },
    'instance-id': { type: 'string' },
    development: { type: 'boolean' },
    /** Listens, and says where. */
    http: { type: 'boolean' },
    /** Only in the group, as a process of another machine. */
    elsewhere: { type: 'boolean' },
  },
})
const { brokers, app: id, dir: dataDir, 'instance-id': instanceId, development } = args
const kafka = { brokers: brokers.split(',') }
const sessionTimeout = Number(args['session-timeout'])
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const words = topic(`${id}-words`, text())
const word = stateObject('word', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  words,
  (value) => value,
  (state) => void state.count++,
)

async function serve(): Promise<void> {
  const begun = performance.now()
  const app = createApp({
    id,
    kafka,
    objects: [word],
    sessionTimeout,
    createTopics: true,
    ...(args.http === true ? { http: { port: 0 } } : {}),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(development === undefined ? {} : { development }),
  })
  let hasSaid = false
  let isTold = false
  say(`pid ${process.pid}`)
  const look = setInterval(() => {
    const { state, reason } = app.health()
    if (state === 'starting' && reason?.includes('waits to join') === true) say(`waits: ${reason}`)
    if (!isTold && app.http !== undefined) {
      isTold = true
      say(`listens at ${app.http.url}.`)
    }
    if (hasSaid || app.stats().commits === 0) return
    hasSaid = true
    say(`committed after ${Math.round(performance.now() - begun)} ms`)
  }, 10)
  await app.run()
  clearInterval(look)
  say('ended well')
}

async function joinFromElsewhere(): Promise<void> {
  const told = { instance: 'old', process: { ...ownFacts(), boot: 'another', host: 'elsewhere' } }
  await kafkaLog(kafka).join({
    group: id,
    topics: [words.name],
    sessionTimeoutMs: sessionTimeout,
    tell: () => Buffer.from(JSON.stringify(told)),
    assign: (members) => new Map(members.map((member) => [member.id, { partitions: [], told: new Uint8Array() }])),
    onRevoke: () => Promise.resolve(),
    onAssign: () => Promise.resolve(),
    onLost: () => undefined,
  })
  say('joined')
}

void (args.elsewhere === true ? joinFromElsewhere() : serve())
